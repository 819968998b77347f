// A time of a request in milliseconds, by its digits.
#include "base/digits.h"

#include <chrono>
#include <cstdint>

namespace windlass::base {

void append_milliseconds(std::string& text, Duration duration) {
    const auto rounded = std::chrono::round<std::chrono::microseconds>(duration);
    if (rounded.count() < 0) text.push_back('-');
    const auto us = static_cast<std::uint64_t>(std::chrono::abs(rounded).count());
    append_digits(text, us / 1'000);
    text.push_back('.');
    for (const std::uint64_t unit : {100U, 10U, 1U}) {
        text.push_back(static_cast<char>('0' + us / unit % 10));
    }
}

}  // namespace windlass::base
