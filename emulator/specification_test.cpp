// The line of text that says what devices a node has.
#include "emulator/specification.h"

#include <doctest/doctest.h>

namespace windlass::emulator {

using base::Bytes;
using base::operator""_GiB;
using base::operator""_MiB;

TEST_CASE("groups of devices are read with their options") {
    const auto devices = parse_specification("2x24GiB+1x80GiB,context=0B,link=25GB,teardown=5s");
    REQUIRE(devices.has_value());
    REQUIRE(devices->size() == 3);
    CHECK(devices->at(1).capacity == 24_GiB);
    CHECK(devices->at(1).context == 450_MiB);
    CHECK(devices->at(2).capacity == 80_GiB);
    CHECK(devices->at(2).context == Bytes{0});
    CHECK(devices->at(2).link_per_second == Bytes{25'000'000'000});
    CHECK(devices->at(2).teardown == std::chrono::seconds{5});
}

TEST_CASE("what cannot be read is refused with an example") {
    for (const char* text :
         {"", "2", "2x", "x24GiB", "0x24GiB", "65x1GiB", "64x1GiB+1x1GiB", "2x24", "2x0B",
          "1x1GiB,speed=3", "1x1GiB,context=much", "1x1GiB,link=0B", "1x1GiB,reserved=2GiB",
          "1x1GiB,teardown=3", "1x1GiB+"}) {
        CAPTURE(text);
        const auto devices = parse_specification(text);
        REQUIRE_FALSE(devices.has_value());
        CHECK(devices.error().message.find("2x24GiB") != std::string::npos);
    }
}

}  // namespace windlass::emulator
