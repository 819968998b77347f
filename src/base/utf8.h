// Text from outside made fit for JSON, logs and terminals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace windlass::base {

// `text` with U+FFFD in place of each sequence that is not UTF-8.
std::string to_valid_utf8(std::string_view text);

// The size of `text` without a character at its end that lacks bytes, for text that comes in
// pieces.
std::size_t whole_characters_size(std::string_view text);

}  // namespace windlass::base
