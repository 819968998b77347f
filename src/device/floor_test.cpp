// The device floor with real processes: driver hosts that answer, hang, die and talk nonsense.
#include "device/floor.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/testing/scratch_directory.h"
#include "io/loop.h"
#include "io/testing/run_until.h"

namespace windlass::device {
namespace {

using namespace std::chrono_literals;
using base::Errc;
using base::operator""_GiB;
using io::testing::run_until;

constexpr const char* kNoGpus = R"({"devices":[],"drivers":[],"is_complete":true})";
constexpr const char* kFree =
    R"({"capacity":25769803776,"used":1073741824,"source":"nvml","processes_known":true,)"
    R"("processes_source":"nvml","processes":[{"pid":7,"bytes":1000}]})";

std::string listing_of(const std::vector<std::string>& uuids, bool is_complete = true) {
    std::string devices;
    for (const std::string& uuid : uuids) {
        devices += (devices.empty() ? "" : ",") + (R"({"uuid":")" + uuid + R"(","capacity":1})");
    }
    return R"({"devices":[)" + devices +
           R"(],"drivers":[{"library":"nvml","state":"usable","message":""}],"is_complete":)" +
           (is_complete ? "true}" : "false}");
}

class Bench {
  public:
    explicit Bench(FloorOptions options = {}) : floor(loop, complete(std::move(options)), take()) {
        tell("cpu", kFree);
        tell("list", kNoGpus);
    }
    ~Bench() { floor.finish(5s); }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    // What that driver host does from its next question on.
    void tell(const std::string& host, const std::string& order) const {
        const std::string draft = folder_.file("draft");
        std::ofstream{draft} << order;
        std::filesystem::rename(draft, folder_.file(host));
    }

    void wait(const std::function<bool()>& is_so) { CHECK(run_until(loop, is_so)); }
    void wait_for(const std::string& uuid, Condition condition) {
        wait([&] { return floor.find(uuid) && floor.find(uuid)->condition == condition; });
    }
    base::Result<Sample> ask(const std::string& uuid) {
        std::optional<base::Result<Sample>> answer;
        floor.sample(uuid, [&](const base::Result<Sample>& sample) { answer = sample; });
        CHECK(!answer);  // never from within the call
        wait([&] { return answer.has_value(); });
        return *answer;
    }

    template <class Kind>
    std::vector<Kind> of() const {
        std::vector<Kind> found;
        for (const Event& event : events) {
            if (const Kind* one = std::get_if<Kind>(&event)) found.push_back(*one);
        }
        return found;
    }

    io::Loop loop;
    std::vector<Event> events;

  private:
    base::testing::ScratchDirectory folder_;

    FloorOptions complete(FloorOptions options) const {
        options.executable = WL_TEST_DRIVER_HOST;
        options.environment = {"WL_FAKE_HOST=" + folder_.path};
        return options;
    }
    std::function<void(const Event&)> take() {
        return [this](const Event& event) { events.push_back(event); };
    }

  public:
    Floor floor;
};

// Impatient, for hosts that are to be replaced.
FloorOptions quick() {
    return {.answer_limit = 1s,
            .first_answer_limit = 1s,
            .sample_interval = 10ms,
            .rest_interval = 10ms,
            .list_interval = 20ms,
            .restart_pause = 1ms};
}

}  // namespace

TEST_CASE("the CPU is there from the start, GPUs with the first listing") {
    Bench bench;
    bench.tell("list", listing_of({"GPU-1", "GPU-2"}));
    bench.tell("GPU-1", kFree);
    bench.tell("GPU-2", "broken");
    bench.floor.start();
    REQUIRE(bench.of<DeviceFound>().size() == 1);
    CHECK(bench.floor.devices().at(0)->condition == Condition::unknown);
    CHECK(!bench.floor.devices().at(0)->last);
    bench.wait_for("GPU-1", Condition::sound);
    bench.wait_for("GPU-2", Condition::failing);
    bench.wait_for("cpu", Condition::sound);
    CHECK(bench.floor.devices().size() == 3);
    CHECK(bench.floor.devices().front()->uuid == "cpu");
    const Device& gpu = *bench.floor.find("GPU-1");
    CHECK(gpu.last->capacity == 24_GiB);
    CHECK(gpu.last->used == 1_GiB);
    CHECK(!gpu.last->free);
    CHECK(gpu.last->processes.at(0).pid == 7);
    CHECK(bench.of<DriverChanged>().size() == 1);
    CHECK(bench.floor.find("GPU-2")->trouble == "the fake says so");
}

TEST_CASE("only devices that may be used are found, and with `cpu` no driver is looked for") {
    Bench some{{.use = {"GPU-2", "GPU-3"}}};
    some.tell("list", listing_of({"GPU-1", "GPU-2"}));
    some.floor.start();
    some.wait([&] { return some.floor.listed_at().has_value(); });
    CHECK(some.floor.devices().size() == 2);
    CHECK(some.floor.find("GPU-1") == nullptr);
    REQUIRE(some.of<DeviceMissing>().size() == 1);
    CHECK(some.of<DeviceMissing>()[0].uuid == "GPU-3");
    Bench none{{.use = {"cpu"}}};
    none.floor.start();
    none.wait_for("cpu", Condition::sound);
    CHECK(!none.floor.listed_at());
    CHECK(none.of<DriverChanged>().empty());
}

TEST_CASE("a question that is asked is answered with what was measured after it") {
    Bench bench{{.use = {"cpu"}}};
    bench.floor.start();
    const base::Instant before = bench.loop.now();
    const auto sample = bench.ask("cpu");
    REQUIRE(sample.has_value());
    CHECK(sample->taken_at >= before);
    CHECK(bench.ask("GPU-9").error().code == Errc::not_found);
}

TEST_CASE("a GPU is measured at the pace of one at rest once it showed the same twice") {
    FloorOptions options = quick();
    options.sample_interval = 1h;
    Bench bench{options};
    bench.tell("list", listing_of({"GPU-1"}));
    bench.tell("GPU-1", kFree);
    const auto measured = [&bench] {
        return std::ranges::count(bench.of<DeviceSampled>(), "GPU-1",
                                  [](const DeviceSampled& event) { return event.sample.uuid; });
    };
    bench.floor.start();
    bench.wait([&] { return measured() == 1; });  // the next one by itself is due in an hour
    REQUIRE(bench.ask("GPU-1"));
    bench.wait([&] { return measured() >= 4; });
}

TEST_CASE("a device that hangs is unresponsive, keeps its numbers, and recovers with a new host") {
    Bench bench{quick()};
    bench.tell("list", listing_of({"GPU-1"}));
    bench.tell("GPU-1", kFree);
    bench.floor.start();
    bench.wait_for("GPU-1", Condition::sound);
    const int first_host = *bench.floor.find("GPU-1")->host_pid;
    bench.tell("GPU-1", "hang");
    const auto answer = bench.ask("GPU-1");
    CHECK(answer.error().code == Errc::timeout);
    CHECK(answer.error().message.contains("its driver hangs"));
    bench.wait_for("GPU-1", Condition::unresponsive);
    CHECK(bench.floor.find("GPU-1")->last->used == 1_GiB);
    bench.wait_for("cpu", Condition::sound);  // the others go on
    bench.tell("GPU-1", kFree);
    bench.wait_for("GPU-1", Condition::sound);
    CHECK(bench.floor.find("GPU-1")->host_pid != first_host);
    bench.wait([&] { return ::kill(first_host, 0) != 0; });  // reaped as well
}

TEST_CASE(
    "after a host that failed the next one waits for its minute, and who asks is told at once") {
    FloorOptions options = quick();
    options.restart_pause = 1h;
    options.use = {"cpu"};
    Bench bench{options};
    bench.tell("cpu", "hang");
    bench.floor.start();
    bench.wait_for("cpu", Condition::unresponsive);
    const auto answer = bench.ask("cpu");
    CHECK(answer.error().code == Errc::unavailable);
    CHECK(answer.error().message.contains("the next one is started in"));
    CHECK(!bench.floor.find("cpu")->host_pid);
    CHECK(bench.of<ConditionChanged>().size() == 1);
}

TEST_CASE("workers that a host hung on are not measured for a while, and then are again") {
    FloorOptions options = quick();
    options.use = {"cpu"};
    options.worker_pids = [] { return std::vector{7}; };
    for (const base::Duration pause : {base::Duration{1ms}, base::Duration{1h}}) {
        options.measure_again = pause;
        Bench bench{options};
        bench.tell("cpu", "hang");
        bench.floor.start();
        bench.wait_for("cpu", Condition::unresponsive);
        bench.tell("cpu", kFree);
        bench.wait_for("cpu", Condition::sound);
        if (pause == 1h) CHECK_FALSE(bench.floor.find("cpu")->last->processes_known);
        if (pause != 1h) bench.wait([&] { return bench.floor.find("cpu")->last->processes_known; });
    }
}

TEST_CASE("whatever a host does wrong, it is ended and the device is unresponsive until the next") {
    const std::string twice = std::string{"twice "} + kFree;
    for (const std::string& wrong :
         {std::string{"die"}, std::string{"crash"}, std::string{"garbage"}, std::string{"unknown"},
          std::string{"half"}, std::string{"no-json"}, std::string{"wrong-id"},
          std::string{"other"}, std::string{"flood"}, std::string{"close"}, twice}) {
        CAPTURE(wrong);
        Bench bench{quick()};
        bench.tell("cpu", wrong);
        bench.floor.start();
        bench.wait_for("cpu", Condition::unresponsive);
        CHECK(!bench.floor.find("cpu")->trouble.empty());
        CHECK(!bench.floor.find("cpu")->last);
        bench.tell("cpu", kFree);
        bench.wait_for("cpu", Condition::sound);
    }
}

TEST_CASE("a host that died once is replaced at once, and then after its minute") {
    FloorOptions options = quick();
    options.rest_interval = options.restart_pause = 1h;
    options.use = {"cpu"};
    Bench bench{options};
    bench.tell("cpu", "die");
    bench.floor.start();
    bench.wait_for("cpu", Condition::unresponsive);
    bench.tell("cpu", kFree);
    CHECK(bench.ask("cpu"));
    bench.tell("cpu", "die");
    CHECK(bench.ask("cpu").error().code == Errc::worker_lost);
    CHECK(bench.ask("cpu").error().message.contains("the next one is started in"));
}

TEST_CASE("a driver that takes long to open is waited for, and the CPU does not stand in") {
    FloorOptions options = quick();
    options.answer_limit = 1ms;
    options.first_answer_limit = 1h;
    Bench bench{options};
    bench.tell("list", "wait");
    bench.floor.start();
    const base::Instant start = bench.loop.now();
    bench.wait([&] { return bench.loop.now() > start + 100ms; });
    CHECK(bench.floor.listing_trouble().empty());
    CHECK(!bench.floor.may_cpu_stand_in());
    bench.tell("list", kNoGpus);
    bench.wait([&] { return bench.floor.may_cpu_stand_in(); });
}

TEST_CASE("a lister that hangs leaves the devices that are known, and is replaced") {
    Bench bench{quick()};
    bench.tell("list", listing_of({"GPU-1"}));
    bench.tell("GPU-1", kFree);
    bench.floor.start();
    bench.wait_for("GPU-1", Condition::sound);
    bench.tell("list", "hang");
    bench.wait([&] { return !bench.floor.listing_trouble().empty(); });
    CHECK(bench.floor.find("GPU-1")->condition == Condition::sound);
    CHECK(bench.of<ListingChanged>().size() == 1);
    bench.tell("list", listing_of({"GPU-1", "GPU-2"}));
    bench.wait([&] { return bench.floor.find("GPU-2") != nullptr; });
    CHECK(bench.floor.listing_trouble().empty());
    CHECK(bench.of<ListingChanged>().size() == 2);
}

TEST_CASE("a device is lost when its driver says so or lists it no more, and may come back") {
    FloorOptions options = quick();
    options.sample_interval = 1h;
    Bench bench{options};
    bench.tell("list", listing_of({"GPU-1"}));
    bench.tell("GPU-1", kFree);
    bench.floor.start();
    bench.wait_for("GPU-1", Condition::sound);
    bench.tell("list", listing_of({}, false));  // one could not be named: that may be it
    const std::size_t lists = 3;
    const auto listed = bench.floor.listed_at();
    bench.wait([&] { return bench.floor.listed_at() > *listed + lists * 20ms; });
    CHECK(bench.floor.find("GPU-1")->condition == Condition::sound);
    bench.tell("list", listing_of({}));
    bench.wait_for("GPU-1", Condition::lost);
    CHECK(bench.ask("GPU-1").error().code == Errc::device_lost);  // though its host still answers
    CHECK(bench.floor.find("GPU-1")->condition == Condition::lost);
    bench.tell("list", listing_of({"GPU-1"}));
    bench.wait_for("GPU-1", Condition::sound);
    bench.tell("GPU-1", "lost");
    CHECK(bench.ask("GPU-1").error().code == Errc::device_lost);
    CHECK(bench.floor.find("GPU-1")->condition == Condition::lost);
    CHECK(bench.floor.find("GPU-1")->last->used == 1_GiB);
}

TEST_CASE("a program that is not there makes devices unresponsive and nothing worse") {
    io::Loop loop;
    Floor floor{loop, {.executable = "/nonexistent/windlass"}, [](const Event&) {}};
    floor.start();
    CHECK(run_until(loop, [&] {
        return floor.find("cpu")->condition == Condition::unresponsive &&
               !floor.listing_trouble().empty();
    }));
    CHECK(floor.find("cpu")->trouble.contains("/nonexistent/windlass"));
}

TEST_CASE("many hosts that fail leave no process and no descriptor behind") {
    const auto descriptors = [] {
        return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
    };
    FloorOptions options = quick();
    options.use = {"cpu"};
    Bench bench{options};
    bench.floor.start();
    bench.wait_for("cpu", Condition::sound);
    const auto before = descriptors();
    bench.tell("cpu", "die");
    for (int i = 0; i < 50; ++i) CHECK(!bench.ask("cpu").has_value());
    bench.tell("cpu", kFree);
    bench.wait_for("cpu", Condition::sound);
    bench.wait([&] { return descriptors() <= before; });
}

}  // namespace windlass::device
