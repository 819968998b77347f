// Whole numbers as little-endian bytes, as all our frames carry them.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace windlass::wire {

template <class Number>
void put_little_endian(std::string& out, Number value) {
    for (std::size_t byte = 0; byte < sizeof value; ++byte) {
        out.push_back(static_cast<char>(value >> (8 * byte)));  // its low eight bits
    }
}

// `from` has at least as many bytes as the number.
template <class Number>
Number get_little_endian(std::span<const char> from) {
    Number value = 0;
    for (std::size_t byte = 0; byte < sizeof value; ++byte) {
        const auto bits = static_cast<Number>(static_cast<unsigned char>(from[byte]));
        value = static_cast<Number>(value | static_cast<Number>(bits << (8 * byte)));
    }
    return value;
}

}  // namespace windlass::wire
