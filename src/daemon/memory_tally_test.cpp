// What is counted of memory, now and at most.
#include "daemon/memory_tally.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace windlass::base;  // _GiB
namespace base = windlass::base;
namespace core = windlass::core;
namespace device = windlass::device;
namespace http = windlass::http;
namespace worker = windlass::worker;
using windlass::daemon::MemoryTally;

namespace {

constexpr const char* kDevice = "GPU-1";
constexpr core::ModelId kModel{1};
constexpr core::Generation kFirst{7};
constexpr core::Generation kSecond{8};

struct Bench {
    MemoryTally tally;
    base::Instant now{};

    Bench() { add(kFirst, 100); }

    void add(core::Generation generation, int pid) {
        tally.add({.generation = generation, .model = kModel, .pid = pid, .uuid = kDevice});
    }
    void sample(std::vector<device::Process> processes, base::Bytes used, bool all = true) {
        tally.note(device::DeviceSampled{.sample = {.uuid = kDevice,
                                                    .taken_at = now,
                                                    .capacity = 24_GiB,
                                                    .used = used,
                                                    .source = "nvml",
                                                    .processes_known = all,
                                                    .processes_source = "nvml",
                                                    .processes = std::move(processes)}});
        now += 1s;
    }
    void answer(std::optional<base::Bytes> peak, std::optional<base::Bytes> reserved) {
        tally.note(worker::Answered{.generation = kFirst.value,
                                    .request = 1,
                                    .content_type = {},
                                    .body = {},
                                    .peak = peak,
                                    .reserved = reserved});
    }
};

bool is(const http::Amount& amount, std::optional<base::Bytes> now,
        std::optional<base::Bytes> peak) {
    return amount.now == now && amount.peak == peak;
}

}  // namespace

TEST_CASE("[R72] what was never seen is not told, by worker or by model") {
    const Bench bench;
    CHECK(is(bench.tally.of(kFirst).used, {}, {}));
    CHECK(is(bench.tally.of(kModel).used, {}, {}));
    CHECK(is(bench.tally.of(kSecond).used, {}, {}));
    CHECK(is(bench.tally.of(core::ModelId{9}).allocator, {}, {}));
}

TEST_CASE("[R72] a worker has what its processes have, and the most of that stays") {
    Bench bench;
    bench.sample({{.pid = 100, .bytes = 3_GiB}, {.pid = 101, .branch = 100, .bytes = 2_GiB}},
                 6_GiB);
    CHECK(is(bench.tally.of(kFirst).used, 5_GiB, 5_GiB));
    bench.sample({{.pid = 100, .bytes = 1_GiB}}, 2_GiB);
    CHECK(is(bench.tally.of(kFirst).used, 1_GiB, 5_GiB));
    bench.sample({}, 0_GiB);
    CHECK(is(bench.tally.of(kFirst).used, 0_GiB, 5_GiB));
    bench.sample({}, 1_GiB, false);  // whoever is not listed may have some
    CHECK(is(bench.tally.of(kFirst).used, {}, 5_GiB));
    bench.sample({{.pid = 100, .bytes = {}}}, 1_GiB);
    CHECK(is(bench.tally.of(kFirst).used, {}, 5_GiB));
    bench.sample({{.pid = 100, .bytes = 1_GiB}}, 2_GiB);
    bench.tally.note(device::ConditionChanged{
        .uuid = kDevice, .now = device::Condition::unresponsive, .trouble = "it hangs"});
    CHECK(is(bench.tally.of(kFirst).used, {}, 5_GiB));
}

TEST_CASE("[R72] a model has what its workers have at one time") {
    Bench bench;
    bench.add(kSecond, 200);
    bench.sample({{.pid = 100, .bytes = 3_GiB}, {.pid = 200, .bytes = 1_GiB}}, 4_GiB);
    bench.sample({{.pid = 100, .bytes = 1_GiB}, {.pid = 200, .bytes = 2_GiB}}, 3_GiB);
    CHECK(is(bench.tally.of(kModel).used, 3_GiB, 4_GiB));
    bench.tally.claim(kFirst, kDevice, 5_GiB);
    CHECK(is(bench.tally.of(kModel).claimed, {}, {}));  // that of the other is not known
    bench.tally.claim(kSecond, kDevice, 5_GiB);
    bench.tally.claim(kSecond, "cpu", 9_GiB);  // where its weights may go
    CHECK(is(bench.tally.of(kModel).claimed, 10_GiB, 10_GiB));
    bench.tally.remove(kFirst);
    CHECK(is(bench.tally.of(kModel).claimed, 5_GiB, 10_GiB));
    CHECK(is(bench.tally.of(kFirst).claimed, {}, {}));
    bench.tally.remove(kSecond);
    CHECK(is(bench.tally.of(kModel).claimed, {}, 10_GiB));
}

TEST_CASE("[R154] an allocator is believed until something may have changed it") {
    Bench bench;
    bench.answer(4_GiB, {});
    CHECK(is(bench.tally.of(kFirst).allocator, {}, 4_GiB));
    bench.answer(2_GiB, 3_GiB);
    CHECK(is(bench.tally.of(kFirst).allocator, 3_GiB, 4_GiB));
    bench.tally.note(worker::Event{worker::Offloaded{
        .generation = kFirst.value, .duration = 1s, .before = 3_GiB, .after = 0_GiB}});
    CHECK(is(bench.tally.of(kFirst).allocator, 0_GiB, 4_GiB));
    bench.tally.note(
        worker::Event{worker::Failed{.generation = kFirst.value, .request = 2, .error = {}}});
    CHECK(is(bench.tally.of(kFirst).allocator, {}, 4_GiB));
    CHECK(is(bench.tally.of(kModel).allocator, {}, 4_GiB));
}

TEST_CASE("[R51] a device and the processes on it have a most, and when that was") {
    Bench bench;
    bench.sample({{.pid = 100, .bytes = 3_GiB}, {.pid = 300, .bytes = 1_GiB}}, 5_GiB);
    bench.sample({{.pid = 300, .bytes = 2_GiB}}, 3_GiB);
    bench.tally.claim_all(kDevice, 6_GiB, bench.now);
    bench.tally.claim_all(kDevice, 4_GiB, bench.now);
    http::DevicesStatus status{.devices = {{.uuid = kDevice, .kind = "gpu", .state = "ok"},
                                           {.uuid = "GPU-2", .kind = "gpu", .state = "unknown"}}};
    status.devices[0].holders = {{.pid = 300}, {.pid = 301}};
    bench.tally.add_to(status, bench.now);
    const http::DeviceStatus& shown = status.devices[0];
    const http::Measured used = shown.used_peak.value_or(http::Measured{});
    CHECK(used.bytes == 5_GiB);
    CHECK(used.age == 2s);
    CHECK(used.source == "nvml");
    CHECK(shown.claimed_peak.value_or(http::Measured{}).bytes == 6_GiB);
    CHECK(shown.holders[0].peak.value_or(http::Measured{}).bytes == 2_GiB);
    CHECK_FALSE(shown.holders[1].peak.has_value());
    CHECK_FALSE(status.devices[1].used_peak.has_value());
}
