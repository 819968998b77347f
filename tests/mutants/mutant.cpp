// Which bug is switched on: the one that WINDLASS_MUTANT names, for the life of the program.
#include "core/mutant.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace windlass::core {
namespace {

constexpr auto kNames = std::to_array<std::string_view>({
#include "names.inc"
});

// The number of names: none.
std::size_t read_choice() {
    const char* name = std::getenv("WINDLASS_MUTANT");  // NOLINT(concurrency-mt-unsafe): at start
    if (name == nullptr) return kNames.size();
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end()) {
        fmt::print(stderr, "WINDLASS_MUTANT={}: src/core/mutant.h has no such mutant\n", name);
        std::exit(2);  // NOLINT(concurrency-mt-unsafe): there is one thread
    }
    return static_cast<std::size_t>(found - kNames.begin());
}

const std::size_t kChoice = read_choice();

}  // namespace

bool mutant(Mutant mutant) { return static_cast<std::size_t>(mutant) == kChoice; }

}  // namespace windlass::core
