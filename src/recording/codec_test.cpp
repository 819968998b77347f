// Goal:   what goes into a recording comes out again, whole, and nothing else does.
// Method: every event and command with every field filled, read back; then cut, and out of range.
#include <doctest/doctest.h>

#include <set>

#include "recording/codec.h"
#include "recording/testing/filled.h"
#include "recording/testing/small_recording.h"

namespace windlass::recording {
namespace {

using testing::filled;
using testing::get;
using testing::one_of_each;

template <class Value>
std::string bytes_of(const Value& value) {
    std::string bytes;
    append(bytes, value);
    return bytes;
}

// Reads each back, in full and cut at every place.
template <class Value>
void check_all(const std::vector<Value>& values, std::optional<Value> (Source::*take)()) {
    std::set<std::string> seen;
    for (const Value& value : values) {
        const std::string bytes = bytes_of(value);
        CAPTURE(value.index());
        CHECK(seen.insert(bytes).second);
        Source source{bytes};
        const Value again = get((source.*take)());
        CHECK(source.is_empty());
        CHECK(again.index() == value.index());
        CHECK(bytes_of(again) == bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            Source cut{std::string_view{bytes}.substr(0, size)};
            CHECK_FALSE((cut.*take)().has_value());
        }
    }
}

}  // namespace

TEST_CASE("every event is read as it was written, and none that was cut") {
    check_all(one_of_each(core::Event{}), &Source::event);
}

TEST_CASE("every command is read as it was written, and none that was cut") {
    check_all(one_of_each(core::Command{}), &Source::command);
}

TEST_CASE("an empty field is read as empty, whatever its default is") {
    core::ModelSpec spec = filled<core::ModelSpec>();
    spec.offload_after.reset();
    Origin origin{.models = {spec, filled<core::ModelSpec>(), {}},
                  .devices = filled<core::DeviceSettings>()};
    for (const bool has_devices : {true, false}) {
        if (!has_devices) origin.devices.known.clear();
        const std::string bytes = bytes_of(origin);
        const Origin again = get(Source{bytes}.origin());
        CHECK(again.models == origin.models);
        CHECK(again.devices == origin.devices);
    }
}

TEST_CASE("what models say stays out of a recording; the daemon's own reasons stay in") {
    core::RunFailed failed{.generation = {1}, .request = {2}, .error = filled<base::Error>()};
    failed.error.message = failed.error.cause = failed.error.traceback = "the secret";
    const core::Event again = get(Source{bytes_of(core::Event{failed})}.event());
    const base::Error& error = std::get<core::RunFailed>(again).error;
    CHECK(error.code == failed.error.code);
    CHECK(error.reason == "backoff");
    CHECK(error.retry_after == failed.error.retry_after);
    CHECK(error.memory == failed.error.memory);
    CHECK((error.message + error.cause + error.traceback).empty());

    failed.error.reason = "the secret";
    CHECK(bytes_of(core::Event{failed}).find("secret") == std::string::npos);
}

TEST_CASE("numbers that are no enumerator, choice, switch or length are refused") {
    // A model error of a type that there is not; the 200th event; a switch that is 2.
    std::string bytes = bytes_of(core::Event{core::LoadFailed{.generation = {1}, .error = {}}});
    bytes[2] = 100;
    CHECK_FALSE(Source{bytes}.event().has_value());
    CHECK_FALSE(Source{"\xc8\x01"}.event().has_value());
    bytes = bytes_of(core::Event{core::WorkerHello{.generation = {1}}});
    bytes[2] = 2;
    CHECK_FALSE(Source{bytes}.event().has_value());
    CHECK_FALSE(Source{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}.number().has_value());
    // A text of 2^62 bytes, a list of 2^62 elements.
    std::string huge;
    append_number(huge, std::uint64_t{1} << 62);
    CHECK_FALSE(Source{huge}.text().has_value());
    CHECK_FALSE(Source{huge + "\x01"
                              "a"}
                    .origin()
                    .has_value());
}

TEST_CASE("durations may be negative, and numbers as large as they can be") {
    for (const std::int64_t count : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::min(),
                                     std::numeric_limits<std::int64_t>::max()}) {
        const core::Event event = core::LoopDelayed{core::Duration{count}};
        const core::Event again = get(Source{bytes_of(event)}.event());
        CHECK(std::get<core::LoopDelayed>(again).by.count() == count);
    }
    std::string most;
    append_number(most, std::numeric_limits<std::uint64_t>::max());
    CHECK(Source{most}.number() == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("the schema names every field and every word") {
    const std::string all = schema();
    for (const char* part : {"core::CallArrived{request, model, priority, timeout, wait: ",
                             "core::Report{", "core::ModelSpec{", "core::DeviceSettings{",
                             "core::ShutdownForced{: }", "device.fence_lifted", "worker_lost"}) {
        CAPTURE(part);
        CHECK(all.find(part) != std::string::npos);
    }
    CHECK(schema_hash() == hash_of(all));
}

}  // namespace windlass::recording
