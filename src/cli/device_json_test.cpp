// What the program reads of GET /api/devices.
#include "cli/device_json.h"

#include <doctest/doctest.h>

namespace cli = windlass::cli;

TEST_CASE("devices are read with what is known of them, the CPU last") {
    const auto state = cli::parse_devices(
        R"({"devices":[{"uuid":"GPU-1","name":null,"state":"unresponsive","trouble":"it hangs",)"
        R"("compute_capability":"9.0","driver_version":"580.1",)"
        R"("used":{"bytes":5,"source":"nvml","age_s":61.5},"capacity":null,)"
        R"("holders":[{"pid":7,"name":"a","used":{"bytes":3},"model":"m"},)"
        R"({"pid":8,"used":null}]}],)"
        R"("cpu":{"uuid":"cpu","state":"ok"},"drivers":[{"library":"nvml","message":"it is old"},)"
        R"({"message":null}],"listing_trouble":null})");
    REQUIRE(state.has_value());
    REQUIRE(state->devices.size() == 2);
    const cli::DeviceState& gpu = state->devices[0];
    CHECK(gpu.used_bytes == 5);
    CHECK(gpu.used_age_s == 61.5);
    CHECK(!gpu.capacity_bytes);
    CHECK(gpu.trouble == "it hangs");
    CHECK(gpu.name.empty());
    CHECK(gpu.compute_capability == "9.0");
    CHECK(gpu.driver_version == "580.1");
    REQUIRE(gpu.holders.size() == 2);
    CHECK(gpu.holders[0].used_bytes == 3);
    CHECK(gpu.holders[0].model == "m");
    CHECK(!gpu.holders[1].used_bytes);
    CHECK(state->devices[1].uuid == "cpu");
    CHECK(state->notes == std::vector<std::string>{"it is old"});
}

TEST_CASE("what no daemon says of devices is told") {
    CHECK(cli::parse_devices(R"({"devices":[]})")->devices.empty());
    for (const char* wrong : {"", "[]", "{}", R"({"devices":{}})", "<html>"}) {
        CHECK(cli::parse_devices(wrong).error().code == windlass::base::Errc::data_corrupt);
    }
}
