// What counts as near.
#include "base/nearest_word.h"

#include <doctest/doctest.h>

#include <string>

namespace base = windlass::base;

TEST_CASE("the nearest word is near") {
    constexpr std::string_view kKnown[] = {"listen", "log", "unload_after", "offload_after"};
    CHECK(base::nearest_word("lsiten", kKnown) == "listen");
    CHECK(base::nearest_word("lg", kKnown) == "log");
    CHECK(base::nearest_word("unloadafter", kKnown) == "unload_after");
    CHECK(base::nearest_word("offload", kKnown) == std::nullopt);
    CHECK(base::nearest_word("", kKnown) == std::nullopt);
    CHECK(base::nearest_word(std::string(1'000'000, 'x'), kKnown) == std::nullopt);
}
