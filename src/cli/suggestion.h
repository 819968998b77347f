// Which of a few words a mistyped one may have meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windlass::cli {

// The known word made of nearly the same letters in any order; none when no word is that close.
std::optional<std::string> similar_word(std::string_view word,
                                        const std::vector<std::string>& known);

}  // namespace windlass::cli
