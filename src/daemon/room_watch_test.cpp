// When there is a verdict: with real processes, of which one keeps its answer to itself.
#include "daemon/room_watch.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/testing/scratch_directory.h"
#include "io/loop.h"
#include "io/testing/run_until.h"

namespace windlass::daemon {
namespace {

using namespace std::chrono_literals;
using base::operator""_GiB;

constexpr const char* kOneGpu =
    R"({"devices":[{"uuid":"GPU-1","capacity":8589934592}],"drivers":[],"is_complete":true})";
constexpr const char* kSilent = "hang";

// What the driver hosts of a machine answer.
class Machine {
  public:
    explicit Machine(const std::string& listing)
        : floor_(
              loop_,
              {.executable = WL_TEST_DRIVER_HOST, .environment = {"WL_FAKE_HOST=" + folder_.path}},
              [](const device::Event&) {}) {
        tell("list", listing);
        tell("cpu", kSilent);
        floor_.start();
        CHECK(io::testing::run_until(loop_, [this] { return floor_.listed_at().has_value(); }));
    }
    ~Machine() { floor_.finish(5s); }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    std::optional<RoomVerdict> judge(const std::vector<ModelConfiguration>& models) const {
        return RoomWatch{floor_, devices_}.judge(models);
    }

  private:
    void tell(const std::string& host, const std::string& order) const {
        const std::string draft = folder_.file("draft");
        std::ofstream{draft} << order;
        std::filesystem::rename(draft, folder_.file(host));
    }

    base::testing::ScratchDirectory folder_;
    io::Loop loop_;
    device::Floor floor_;
    DevicesConfiguration devices_;
};

ModelConfiguration pinned(const std::string& name, DeviceChoice devices = DeviceChoice::any) {
    ModelConfiguration model;
    model.name = name;
    model.need = {.kind = NeedKind::bytes, .bytes = 5_GiB};
    model.pinned = true;
    model.devices = devices;
    return model;
}

}  // namespace

TEST_CASE("models for GPUs are judged, whether or not the CPU has said how big it is [A5.7]") {
    const Machine machine{kOneGpu};
    const RoomVerdict verdict = machine.judge({pinned("a"), pinned("b")}).value_or(RoomVerdict{});
    REQUIRE(verdict.impossible.size() == 1);
    CHECK(verdict.impossible.front().models == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(machine.judge({pinned("a"), pinned("b", DeviceChoice::cpu)}));
}

TEST_CASE("where there is no GPU, the CPU is waited for [A5.7]") {
    const Machine machine{R"({"devices":[],"drivers":[],"is_complete":true})"};
    CHECK_FALSE(machine.judge({pinned("a"), pinned("b")}));
}

}  // namespace windlass::daemon
