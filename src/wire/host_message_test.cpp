// Messages of driver hosts: what is written is read again, and what is wrong is told.
#include "wire/host_message.h"

#include <doctest/doctest.h>

#include "wire/host_frame.h"

namespace wire = windlass::wire;
namespace base = windlass::base;
using namespace base;  // NOLINT(google-build-using-namespace): the literals of Bytes

namespace {

wire::HostListing full_listing() {
    return {.devices = {{.uuid = "GPU-1",
                         .name = "NVIDIA H100",
                         .bus_id = "00000000:01:00.0",
                         .compute_capability = "9.0",
                         .driver_version = "580.126.09",
                         .cuda_version = "13.0",
                         .capacity = 80_GiB},
                        {.uuid = "GPU-2"}},
            .drivers = {{.name = "nvml",
                         .state = wire::HostDriver::State::usable,
                         .message = "",
                         .version = "580.126.09"}},
            .is_complete = false};
}

template <class Message>
std::string mistake_of(Result<Message> (*parse)(std::string_view), std::string_view text) {
    const auto parsed = parse(text);
    REQUIRE(!parsed.has_value());
    CHECK(parsed.error().code == Errc::data_corrupt);
    return parsed.error().message;
}

}  // namespace

TEST_CASE("a listing is read as it was written") {
    const wire::HostListing listing = full_listing();
    CHECK(wire::parse_host_listing(wire::to_json(listing)).value() == listing);
    const wire::HostListing nothing{.is_complete = true};
    CHECK(wire::parse_host_listing(wire::to_json(nothing)).value() == nothing);
}

TEST_CASE("a sample is read as it was written, and what is unknown stays unknown") {
    const wire::HostSample sample{
        .capacity = 24_GiB,
        .used = 1_GiB,
        .free = {},
        .source = "nvml",
        .processes_known = true,
        .processes_source = "nvml",
        .processes = {{.pid = 7, .session = 7, .branch = 5, .name = "python3", .bytes = 300_MiB},
                      {.pid = 8, .branch = 0},
                      {.pid = 9}},
        .busy_percent = 100};
    CHECK(wire::parse_host_sample(wire::to_json(sample)).value() == sample);
    const wire::HostSample nothing{};
    CHECK(wire::parse_host_sample(wire::to_json(nothing)).value() == nothing);
    const wire::SampleOrder order{.pids = {1, 2'147'483'647}};
    CHECK(wire::parse_sample_order(wire::to_json(order)).value() == order);
    CHECK(wire::parse_sample_order("").value() == wire::SampleOrder{});
}

TEST_CASE("names from outside are cut and made text") {
    wire::HostSample sample{.processes = {{.pid = 1, .name = std::string(100, '\xff')}}};
    const auto read = wire::parse_host_sample(wire::to_json(sample));
    REQUIRE(read.has_value());
    CHECK(read->processes.front().name->size() == 5 * 3);
}

TEST_CASE("the largest messages fit a frame") {
    const std::string worst(2000, '\x01');  // each is written as six bytes
    wire::HostListing listing;
    listing.devices.assign(wire::kHostDevicesMax + 1, {.uuid = worst,
                                                       .name = worst,
                                                       .bus_id = worst,
                                                       .compute_capability = worst,
                                                       .driver_version = worst,
                                                       .cuda_version = worst,
                                                       .capacity = Bytes{1UL << 50}});
    listing.drivers.assign(2, {.name = worst, .message = worst, .version = worst});
    const std::string listed = wire::to_json(listing);
    CHECK(listed.size() <= wire::kHostMetaSizeMax);
    CHECK(wire::parse_host_listing(listed)->devices.size() == wire::kHostDevicesMax);
    CHECK(!wire::parse_host_listing(listed)->is_complete);
    wire::HostSample sample{.processes_known = true};
    sample.processes.assign(wire::kHostProcessesMax + 1, {.pid = 2'147'483'647,
                                                          .session = 2'147'483'647,
                                                          .branch = 2'147'483'647,
                                                          .name = worst,
                                                          .bytes = Bytes{1UL << 50}});
    const std::string sampled = wire::to_json(sample);
    CHECK(sampled.size() <= wire::kHostMetaSizeMax);
    CHECK(!wire::parse_host_sample(sampled)->processes_known);
}

TEST_CASE("what is wrong with a message of a driver host is told") {
    using wire::parse_host_listing;
    using wire::parse_host_sample;
    using wire::parse_sample_order;
    CHECK(mistake_of(parse_host_sample, "nvml").contains("not JSON"));
    CHECK(mistake_of(parse_host_sample, "[1]").contains("not a JSON object"));
    CHECK(mistake_of(parse_host_sample, "{}").contains("\"source\" is missing"));
    CHECK(mistake_of(parse_host_sample, R"({"used":-1})").contains("\"used\" is no number"));
    CHECK(mistake_of(parse_host_sample, R"({"used":1e30})").contains("\"used\" is no number"));
    CHECK(mistake_of(parse_host_sample, R"({"used":1125899906842625})").contains("is no number"));
    CHECK(mistake_of(parse_host_sample, R"({"source":"a","processes_source":"b","processes":[1]})")
              .contains("holds no objects"));
    CHECK(mistake_of(parse_host_listing, R"({"devices":[{"uuid":""}]})").contains("is empty"));
    CHECK(
        mistake_of(parse_host_listing, R"({"drivers":[{"library":"a","message":"b","state":"c"}]})")
            .contains("none that is known"));
    CHECK(mistake_of(parse_sample_order, R"({"pids":[0]})").contains("no pid"));
}
