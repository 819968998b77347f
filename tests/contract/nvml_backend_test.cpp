// The device floor's view of NVIDIA devices against the emulated driver: every way in which NVML
// answers, fails to, or lies.
#include "device/nvml_backend.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/testing/scratch_directory.h"
#include "device/device.h"
#include "nvml_world.h"

namespace windlass::device {
namespace {

using namespace base;  // NOLINT(google-build-using-namespace): the literals of Bytes
using emulator::Fault;

const std::string kFirst = emulator::device_uuid(0);
const std::string kSecond = emulator::device_uuid(1);

using testing::node;
using World = testing::NvmlWorld;

Result<wire::HostSample> sample(const std::string& uuid = kFirst) {
    return make_nvml_backend(uuid, "")->sample({});
}

}  // namespace

TEST_CASE("all devices are listed with what is known of them") {
    const World world;
    const wire::HostListing listing = make_nvml_lister()->list();
    REQUIRE(listing.devices.size() == 2);
    CHECK(listing.is_complete);
    CHECK(listing.devices[0].uuid == kFirst);
    CHECK(listing.devices[1].uuid == kSecond);
    CHECK(listing.devices[0].name.has_value());
    CHECK(listing.devices[0].bus_id.has_value());
    CHECK(listing.devices[0].bus_id != listing.devices[1].bus_id);
    CHECK(listing.devices[0].compute_capability.has_value());
    CHECK(listing.devices[0].driver_version.has_value());
    CHECK(listing.devices[0].cuda_version == "13.0");
    REQUIRE(listing.drivers.size() == 1);
    CHECK(listing.drivers[0].state == Driver::State::usable);
}

TEST_CASE("a device is found by its place on the bus, and by its UUID where that is another's") {
    const World world;
    const wire::HostListing listing = make_nvml_lister()->list();
    const std::string bus_id = *listing.devices[1].bus_id;
    node().set_stranger(1, 0, 5_GiB).value();
    CHECK(make_nvml_backend(kSecond, bus_id)->sample({})->used == 5_GiB);
    CHECK(make_nvml_backend(kFirst, bus_id)->sample({})->used == 0_GiB);
}

TEST_CASE("what a device holds, and who") {
    const World world;
    const auto pid = static_cast<std::uint32_t>(::getpid());
    node().set_stranger(0, pid, 3_GiB).value();
    node().set_stranger(0, 0, 1_GiB).value();
    const wire::HostSample seen = sample().value();
    CHECK(seen.capacity == 24_GiB);
    CHECK(seen.used == 4_GiB);
    CHECK(seen.free == 20_GiB);
    CHECK(seen.source == "nvml");
    REQUIRE(seen.processes.size() == 1);
    CHECK(seen.processes[0].pid == ::getpid());
    CHECK(seen.processes[0].bytes == 3_GiB);
    CHECK(seen.processes[0].session == ::getsid(0));
    CHECK(seen.processes[0].name.has_value());
    CHECK(seen.processes_known);
    CHECK(sample(kSecond)->used == 0_GiB);
}

TEST_CASE("memory that somebody takes behind the list's back is in the list all the same") {
    const World world;
    node().set_fault(0, Fault::late_stranger, (2_GiB).count());
    const wire::HostSample seen = sample().value();
    CHECK(seen.used == 2_GiB);
    REQUIRE(seen.processes.size() == 1);
    CHECK(seen.processes[0].bytes == 2_GiB);
}

TEST_CASE("who descends from the daemon is told from strangers") {
    const World world;
    node().set_stranger(0, static_cast<std::uint32_t>(::getpid()), 3_GiB).value();
    node().set_stranger(0, static_cast<std::uint32_t>(::getppid()), 2_GiB).value();
    node().set_stranger(0, 4'000'000, 1_GiB).value();
    const auto branch_of = [&](const wire::HostSample& seen, int pid) {
        return std::ranges::find(seen.processes, pid, &Process::pid)->branch;
    };
    const wire::HostSample seen = make_nvml_backend(kFirst, "", ::getppid())->sample({}).value();
    CHECK(branch_of(seen, ::getpid()) == ::getpid());
    CHECK(branch_of(seen, ::getppid()) == 0);
    CHECK_FALSE(branch_of(seen, 4'000'000).has_value());  // nobody can be asked about the dead
    CHECK_FALSE(branch_of(sample().value(), ::getpid()).has_value());
}

TEST_CASE("elements of 32 bytes are told from those of 24 by what was written") {
    const World world;
    for (std::uint32_t pid = 1; pid <= 5; ++pid) {
        node().set_stranger(0, 1'000'000 + pid, Bytes{pid << 20U}).value();
    }
    const auto usual = sample()->processes;
    node().set_fault(0, Fault::wide_processes);
    CHECK(sample()->processes == usual);
    REQUIRE(usual.size() == 5);
    CHECK(usual[4].pid == 1'000'005);
    CHECK(usual[4].bytes == 5_MiB);
}

TEST_CASE("memory of a process that is hidden is unknown, and the process is still there") {
    const World world;
    node().set_stranger(0, 4'000'000, 3_GiB).value();
    node().set_fault(0, Fault::process_memory_hidden);
    const wire::HostSample seen = sample().value();
    REQUIRE(seen.processes.size() == 1);
    CHECK(!seen.processes[0].bytes);
    CHECK(!seen.processes_known);
    CHECK(seen.used == 3_GiB);
    node().set_fault(0, Fault::pids_hidden);
    CHECK(sample()->processes.empty());
    CHECK(sample()->used == 3_GiB);
}

TEST_CASE("a GPU that MIG divides is told of, and nothing is said of its memory") {
    const World world;
    const auto backend = make_nvml_backend(kFirst, "");
    node().set_fault(0, Fault::mig);
    const auto refused = backend->sample({});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::unsupported);
    CHECK(refused.error().message.contains("MIG instances"));
    CHECK(make_nvml_lister()->list().devices.size() == 2);
    CHECK(sample(kSecond).has_value());
    node().clear_faults(0);
    CHECK(backend->sample({}).has_value());
}

TEST_CASE("a list without those who must be there, or of another namespace, is not known") {
    const World world;
    CHECK(sample()->processes_known);  // nobody is there, and nothing is in use
    node().set_stranger(0, 0, 3_GiB).value();
    CHECK(!sample()->processes_known);
    node().set_stranger(0, static_cast<std::uint32_t>(::getpid()), 1_GiB).value();
    CHECK(sample()->processes_known);
    node().set_fault(0, Fault::pids_foreign, 1U << 22U);  // above the largest pid of Linux
    CHECK(sample()->processes.size() == 1);
    CHECK(!sample()->processes_known);
}

TEST_CASE("a process that has more than there is has an unknown amount") {
    const World world;
    node().set_stranger(0, static_cast<std::uint32_t>(::getpid()), Bytes{1UL << 62}).value();
    const wire::HostSample seen = sample().value();
    REQUIRE(seen.processes.size() == 1);
    CHECK(!seen.processes[0].bytes);
    CHECK(!seen.processes_known);
}

TEST_CASE("a lost device is lost, and comes back when the driver has it again") {
    const World world;
    const auto backend = make_nvml_backend(kFirst, "");
    REQUIRE(backend->sample({}).has_value());
    node().set_fault(0, Fault::device_lost);
    const auto lost = backend->sample({});
    CHECK(lost.error().code == Errc::device_lost);
    CHECK(lost.error().message.contains(kFirst));
    CHECK(sample(kSecond).has_value());
    node().clear_faults(0);
    CHECK(backend->sample({}).has_value());
    CHECK(make_nvml_backend("GPU-none", "")->sample({}).error().code == Errc::device_lost);
}

TEST_CASE("errors of the driver are told apart, and none is a number") {
    const World world;
    const auto code_of = [](std::uint64_t nvml_return) {
        node().set_fault(0, Fault::query_fails, nvml_return);
        const auto failed = sample();
        return failed ? std::nullopt : std::optional{failed.error().code};
    };
    CHECK(code_of(4) == Errc::permission_denied);
    CHECK(code_of(9) == Errc::driver_missing);
    CHECK(code_of(15) == Errc::device_lost);
    CHECK(code_of(16) == Errc::device_lost);
    CHECK(code_of(999) == Errc::permission_denied);
    // Not supported: memory that is unified with the host's, and no list of processes.
    node().set_fault(0, Fault::query_fails, 3);
    const wire::HostSample unified = sample().value();
    CHECK(unified.source != "nvml");
    CHECK(unified.capacity.has_value());
    CHECK(!unified.processes_known);
}

TEST_CASE("a driver that was upgraded underneath is broken, and usable again after that") {
    const World world;
    const auto lister = make_nvml_lister();
    const auto backend = make_nvml_backend(kFirst, "");
    CHECK(lister->list().devices.size() == 2);
    CHECK(backend->sample({}).has_value());
    node().set_fault(0, Fault::driver_mismatch);
    CHECK(backend->sample({}).error().code == Errc::driver_missing);
    CHECK(backend->sample({}).error().message.contains("upgraded"));
    CHECK(lister->list().devices.empty());
    CHECK(lister->list().drivers.at(0).state == Driver::State::broken);
    node().clear_faults(0);
    CHECK(backend->sample({}).has_value());
    CHECK(lister->list().devices.size() == 2);
}

TEST_CASE("an old driver is asked in its own way, and what it does not tell is unknown") {
    const World world;
    World::use_library(WL_OLD_NVML);
    const wire::HostListing listing = make_nvml_lister()->list();
    REQUIRE(listing.devices.size() == 1);
    CHECK(listing.devices[0] == wire::HostDevice{.uuid = "GPU-old"});
    CHECK(!listing.is_complete);  // the other one cannot be named any more
    CHECK(!listing.drivers.at(0).version);
    const wire::HostSample seen = sample("GPU-old").value();
    CHECK(seen.capacity == Bytes{4096});
    CHECK(seen.used == Bytes{3072});
    REQUIRE(seen.processes.size() == 201);
    CHECK(seen.processes[0].bytes == Bytes{7});  // it draws, too
    CHECK(seen.processes[200].pid == 6'000'000);
    CHECK(seen.processes[199].pid == 5'000'199);
    CHECK(seen.processes[199].bytes == Bytes{199});
    CHECK(!seen.processes_known);  // pids that are not to be found here
}

TEST_CASE("[A5.5] without a driver, or with a broken one, there is an empty list and no error") {
    const World world;
    const base::testing::ScratchDirectory folder;
    World::use_library(folder.file("libnvidia-ml.so.1"));
    wire::HostListing listing = make_nvml_lister()->list();
    CHECK(listing.devices.empty());
    CHECK(listing.drivers.at(0).state == Driver::State::absent);
    CHECK(sample().error().code == Errc::driver_missing);

    std::ofstream{folder.file("broken.so")} << "no library at all";
    World::use_library(folder.file("broken.so"));
    listing = make_nvml_lister()->list();
    CHECK(listing.devices.empty());
    CHECK(listing.drivers.at(0).state == Driver::State::broken);
    CHECK(listing.drivers.at(0).message.contains("reinstall the driver"));

    World::use_library("libm.so.6");  // a library, but not this one
    listing = make_nvml_lister()->list();
    CHECK(listing.drivers.at(0).state == Driver::State::broken);
    CHECK(listing.drivers.at(0).message.contains("lacks nvmlInit_v2"));
}

}  // namespace windlass::device
