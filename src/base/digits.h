// Numbers into text that is being built, without a string of their own and without a pattern to
// read: a reply has ten of them, which fmt::format made a tenth of a request (measured 2026-11).
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <string>

namespace windlass::base {

// Appends `number` as decimal digits.
template <std::unsigned_integral Number>
void append_digits(std::string& text, Number number) {
    std::array<char, std::numeric_limits<Number>::digits10 + 1> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text.append(digits.data(), end);
}

}  // namespace windlass::base
