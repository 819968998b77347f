// Numbers into text that is being built, without a string of their own and without a pattern to
// read: a reply has ten of them, which fmt::format made a tenth of a request (measured 2026-11).
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <string>

#include "base/time.h"

namespace windlass::base {

// Appends `number` as decimal digits.
template <std::unsigned_integral Number>
void append_digits(std::string& text, Number number) {
    std::array<char, std::numeric_limits<Number>::digits10 + 1> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text.append(digits.data(), end);
}

// Appends `duration` as milliseconds, "12.346": to the nearest microsecond, the even one of two.
// Every surface that tells a time of a request writes it so, and all tell the same digits.
void append_milliseconds(std::string& text, Duration duration);

}  // namespace windlass::base
