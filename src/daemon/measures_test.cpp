// What answers tell of memory, by samples and by the word of workers.
#include "daemon/measures.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace windlass::base;  // _GiB
namespace base = windlass::base;
namespace device = windlass::device;
namespace http = windlass::http;
namespace worker = windlass::worker;
using windlass::daemon::Measures;

namespace {

constexpr const char* kDevice = "GPU-1";
constexpr std::uint64_t kWorker = 7;
constexpr int kPid = 4711;

// A worker on a device of 24 GiB. Each thing takes a second, and a sample as long to come.
struct Bench {
    Measures measures;
    base::Instant now{};

    Bench() { measures.add(kWorker, kPid, kDevice); }

    void pass() { now += 1s; }
    void sample(std::vector<device::Process> processes, base::Bytes free = 20_GiB,
                const std::string& uuid = kDevice) {
        const base::Instant asked = now;
        pass();
        measures.note(device::DeviceSampled{.sample = {.uuid = uuid,
                                                       .taken_at = asked,
                                                       .capacity = 24_GiB,
                                                       .used = 24_GiB - free,
                                                       .free = free,
                                                       .processes = std::move(processes)}});
        pass();
    }
    void see(base::Bytes bytes) { sample({{.pid = kPid, .bytes = bytes}}); }
    void note(const worker::Event& event) {
        measures.note(event, now);
        pass();
    }
    void begin(std::uint64_t request) {
        note(worker::Started{.generation = kWorker, .request = request});
    }
    http::RunMemory end(std::uint64_t request, std::optional<base::Bytes> peak = {},
                        std::optional<base::Bytes> reserved = {}) {
        const http::RunMemory memory = measures.end({.generation = kWorker,
                                                     .request = request,
                                                     .content_type = {},
                                                     .body = {},
                                                     .peak = peak,
                                                     .reserved = reserved},
                                                    now);
        pass();
        return memory;
    }
    http::RunMemory run(std::optional<base::Bytes> peak = {},
                        std::optional<base::Bytes> reserved = {}) {
        begin(1);
        return end(1, peak, reserved);
    }
};

}  // namespace

TEST_CASE("[A3.6] what nobody has measured is not told") {
    Bench bench;
    const http::RunMemory memory = bench.run();
    CHECK_FALSE(memory.total.has_value());
    CHECK_FALSE(memory.free_before.has_value());
    CHECK_FALSE(memory.peak.has_value());
    CHECK_FALSE(memory.context.has_value());
    CHECK_FALSE(memory.is_shared);
}

TEST_CASE("[A3.6] free before is what the last sample before the run said") {
    Bench bench;
    bench.sample({}, 20_GiB);
    bench.sample({}, 19_GiB);
    bench.sample({}, 1_GiB, "GPU-2");
    bench.begin(1);
    bench.sample({}, 18_GiB);
    const http::RunMemory memory = bench.end(1);
    CHECK(memory.total == 24_GiB);
    CHECK(memory.free_before == 19_GiB);
    // A device that has stopped to answer may be as full as it likes.
    bench.measures.note(device::ConditionChanged{.uuid = kDevice,
                                                 .before = device::Condition::sound,
                                                 .now = device::Condition::unresponsive,
                                                 .trouble = "silent"});
    CHECK_FALSE(bench.run().free_before.has_value());
}

TEST_CASE("[A3.6] [R71] without an allocator the peak is the highest sample of the run") {
    Bench bench;
    bench.see(9_GiB);  // before it
    bench.begin(1);
    bench.see(3_GiB);
    bench.sample({{.pid = 99, .session = kPid, .bytes = 1_GiB}, {.pid = kPid, .bytes = 4_GiB}});
    bench.sample({{.pid = kPid, .bytes = std::nullopt}});
    bench.see(2_GiB);
    bench.sample({{.pid = 12, .bytes = 8_GiB}});
    CHECK(bench.end(1).peak == 5_GiB);  // the process and its child
    CHECK_FALSE(bench.run().peak.has_value());
}

TEST_CASE("a sample that was asked for before the run does not count for it") {
    Bench bench;
    const base::Instant asked = bench.now;
    bench.pass();
    bench.begin(1);
    bench.measures.note(device::DeviceSampled{
        .sample = {.uuid = kDevice,
                   .taken_at = asked,
                   .processes = {{.pid = kPid, .bytes = base::Bytes{3_GiB}}}}});
    CHECK_FALSE(bench.end(1).peak.has_value());
}

TEST_CASE("[A3.6] [R71] each run has the peak that its worker tells of it") {
    Bench bench;
    bench.begin(1);
    bench.see(20_GiB);
    CHECK(bench.end(1, 5_GiB).peak == 5_GiB);
    CHECK(bench.run(1_GiB).peak == 1_GiB);
}

TEST_CASE("[A3.6] the context is what the process holds beyond its allocator") {
    Bench bench;
    bench.note(worker::Loaded{.generation = kWorker});
    bench.see(4_GiB);
    CHECK(bench.run(3_GiB, 3_GiB).context == 1_GiB);
    CHECK(bench.run(3_GiB, 3_GiB).context == 1_GiB);
    // It has taken more since then: the sample and what the allocator says are of different times.
    CHECK(bench.run(5_GiB, {}).context == 1_GiB);  // as it was when it could be told
    CHECK(bench.run(5_GiB, 5_GiB).context == 1_GiB);
    bench.see(7_GiB);  // a library more
    CHECK(bench.run(5_GiB, 5_GiB).context == 2_GiB);
}

TEST_CASE("the context is not told by a sample from before the allocator was at rest") {
    Bench bench;
    bench.see(2_GiB);  // while it loads
    bench.note(worker::Loaded{.generation = kWorker});
    CHECK_FALSE(bench.run(1_GiB, 1_GiB).context.has_value());
    bench.see(8_GiB);
    bench.begin(2);
    bench.note(worker::Failed{.generation = kWorker, .request = 2, .error = {}});
    CHECK_FALSE(bench.run(1_GiB, 1_GiB).context.has_value());
    bench.see(8_GiB);
    bench.note(worker::Offloaded{.generation = kWorker});
    bench.note(worker::Restored{.generation = kWorker});
    CHECK_FALSE(bench.run(1_GiB, 1_GiB).context.has_value());
    // More than the driver knows of: whatever that is, it is no context.
    bench.see(1_GiB);
    CHECK_FALSE(bench.run(2_GiB, 2_GiB).context.has_value());
}

TEST_CASE("[A3.6] runs that overlap say so, and those before and after them do not") {
    Bench bench;
    CHECK_FALSE(bench.run().is_shared);
    bench.begin(1);
    bench.begin(2);
    CHECK(bench.end(1).is_shared);
    bench.begin(3);
    CHECK(bench.end(2).is_shared);
    CHECK(bench.end(3).is_shared);
    CHECK_FALSE(bench.run().is_shared);
    bench.begin(4);
    bench.note(worker::Failed{.generation = kWorker, .request = 4, .error = {}});
    CHECK_FALSE(bench.run().is_shared);
}

TEST_CASE("workers are told apart, and forgotten") {
    Bench bench;
    bench.measures.add(8, 4712, kDevice);
    bench.begin(1);
    bench.measures.note(worker::Started{.generation = 8, .request = 2}, bench.now);
    bench.sample({{.pid = kPid, .bytes = 3_GiB}, {.pid = 4712, .bytes = 1_GiB}});
    const http::RunMemory memory = bench.end(1);
    CHECK(memory.peak == 3_GiB);
    CHECK_FALSE(memory.is_shared);
    bench.measures.remove(kWorker);
    CHECK_FALSE(bench.run().total.has_value());
}

TEST_CASE("a pid may have a new owner before its former one is forgotten") {
    Bench bench;
    bench.measures.add(8, kPid, kDevice);
    bench.measures.remove(kWorker);
    bench.measures.note(worker::Started{.generation = 8, .request = 1}, bench.now);
    bench.sample({{.pid = kPid, .bytes = 3_GiB}});
    CHECK(bench.measures.end({.generation = 8, .request = 1}, bench.now).peak == 3_GiB);
}

TEST_CASE("[R72] a run that goes on shows what it said of itself and what its worker had in it") {
    Bench bench;
    bench.begin(1);
    CHECK_FALSE(bench.measures.show(kWorker, 1, bench.now).peak.has_value());
    CHECK_FALSE(bench.measures.show(kWorker, 1, bench.now).progress.has_value());
    bench.see(3_GiB);
    bench.see(2_GiB);
    bench.note(worker::Progressed{
        .generation = kWorker, .request = 1, .step = 3, .total = 20, .phase = "encode"});
    const http::RunStatus run = bench.measures.show(kWorker, 1, bench.now);
    CHECK(run.request == "r1");
    CHECK(run.peak == 3_GiB);
    CHECK_FALSE(run.is_shared);
    const http::ProgressStatus progress = run.progress.value_or(http::ProgressStatus{});
    CHECK(progress.step == 3);
    CHECK(progress.age == 1s);
    bench.begin(2);
    CHECK(bench.measures.show(kWorker, 2, bench.now).is_shared);
    CHECK(bench.measures.show(kWorker, 9, bench.now).request == "r9");
}
