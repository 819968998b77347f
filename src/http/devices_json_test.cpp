// What clients read of devices, and of a daemon that has trouble with one.
#include "http/devices_json.h"

#include <doctest/doctest.h>

#include "http/models_json.h"
#include "http/testing/fake_backend.h"

namespace http = windlass::http;

TEST_CASE("a device says what is known, with source and age, and null where nothing is") {
    http::DevicesStatus status = http::testing::FakeBackend{}.devices();
    status.devices.front().driver = "nvml";
    CHECK(http::to_json(status) ==
          R"({"devices":[{"uuid":"GPU-1","kind":"gpu","driver":"nvml","name":"H100",)"
          R"("state":"unresponsive","state_since_s":7.000,"trouble":"it hangs",)"
          R"("capacity":{"bytes":1024,"source":"nvml","age_s":1.500},"used":null,"free":null,)"
          R"("used_peak":null,"claimed":null,"claimed_peak":null,"foreign":null,)"
          R"("fenced":null,"holders":[)"
          R"({"pid":7,"name":null,"used":null,"used_peak":null,"model":"digits","generation":3},)"
          R"({"pid":8,"name":null,"used":null,"used_peak":null,"model":null,"generation":null}],)"
          R"("holders_known":true,"busy_percent":null,"compute_capability":null,)"
          R"("driver_version":null,"cuda_version":null,"bus_id":null,"host_pid":null}],)"
          R"("cpu":null,"drivers":[],)"
          R"("listed_s":null,"listing_trouble":"no answer"})");
    CHECK(http::to_json(http::DevicesStatus{}).starts_with(R"({"devices":[],"cpu":null)"));
}

TEST_CASE("a daemon with trouble is degraded, and says why") {
    http::Health health{
        .troubles = {{.reason = "device_unresponsive", .device = "GPU-1", .message = "it hangs"}}};
    CHECK(http::to_json(health).starts_with(R"({"status":"degraded",)"));
    CHECK(http::to_json(health).ends_with(
        R"("troubles":[{"reason":"device_unresponsive","device":"GPU-1","message":"it hangs"}]})"));
    health.stopping = true;
    CHECK(http::to_json(health).starts_with(R"({"status":"stopping",)"));
    CHECK(!http::to_json(http::Health{}).contains("troubles"));
}
