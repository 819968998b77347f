// The words of `windlass ballast`; what it does with a device is in tests/emulator.
#include "cli/ballast.h"

#include <doctest/doctest.h>

namespace windlass::cli {

TEST_CASE("ballast knows how much to take and how long to be busy") {
    const auto settings = parse_ballast({"--bytes", "3GiB", "--run-ms", "20"});
    REQUIRE(settings.has_value());
    CHECK(settings->bytes.count() == 3ULL << 30);
    CHECK(settings->run == std::chrono::milliseconds{20});
    CHECK(parse_ballast({"--bytes", "1B"})->run == base::Duration{0});
}

TEST_CASE("ballast says how it is to be written") {
    using Words = std::vector<std::string>;
    for (const Words& words :
         {Words{}, Words{"--bytes"}, Words{"--bytes", "3"}, Words{"--bytes", "0B"},
          Words{"--run-ms", "20"}, Words{"--bytes", "1B", "--run-ms", "-1"}, Words{"--help"}}) {
        const auto settings = parse_ballast(words);
        REQUIRE_FALSE(settings.has_value());
        CHECK(settings.error().message.find("--bytes 3GiB") != std::string::npos);
    }
}

}  // namespace windlass::cli
