// Compares words by the letters that they hold: slips are doubled, missing or swapped letters, and
// commands and options are too few and too different to need more than that.
#include "cli/suggestion.h"

#include <algorithm>
#include <cstdlib>

namespace windlass::cli {
namespace {

constexpr std::size_t kLongestWord = 64;

// Letters that one word has and the other lacks, counted with their number.
std::size_t letters_apart(std::string_view a, std::string_view b) {
    std::string left{a};
    std::string right{b};
    std::ranges::sort(left);
    std::ranges::sort(right);
    std::string differing;
    std::ranges::set_symmetric_difference(left, right, std::back_inserter(differing));
    return differing.size();
}

}  // namespace

std::optional<std::string> similar_word(std::string_view word,
                                        const std::vector<std::string>& known) {
    if (word.size() > kLongestWord) return std::nullopt;
    std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
    std::optional<std::string> similar;
    for (const std::string& candidate : known) {
        const std::size_t apart = letters_apart(word, candidate);
        // A word with nothing in common but its length is none.
        if (apart >= best || apart >= word.size()) continue;
        best = apart;
        similar = candidate;
    }
    return similar;
}

}  // namespace windlass::cli
