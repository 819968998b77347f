// The known word that a misspelt one most likely means.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace windlass::base {

// The nearest of `known` by insertions, deletions, substitutions and swaps of neighbours: at most
// one for each three letters (and at least one). The first of equally near ones.
std::optional<std::string_view> nearest_word(std::string_view word,
                                             std::span<const std::string_view> known);

}  // namespace windlass::base
