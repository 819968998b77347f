// AMD's GPUs on trees of files that stand for sysfs and /proc. None of it has run on hardware.
#include "device/amd_backend.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "device/drm_clients.h"
#include "device/testing/amd_files.h"

namespace device = windlass::device;
namespace wire = windlass::wire;
namespace fs = std::filesystem;
using device::testing::AmdFiles;
using windlass::base::Errc;
using namespace windlass::base;  // NOLINT(google-build-using-namespace): the literals of Bytes

namespace {

constexpr std::uint64_t kFirst = 0xa1b2c3d4e5f60718;
constexpr const char* kFirstUuid = "GPU-a1b2c3d4e5f60718";
constexpr const char* kSecondUuid = "GPU-00000000000000ff";

struct Machine : AmdFiles {
    Machine() {
        add_card(0, kFirst, 64_GiB);
        add_card(1, 0xff, 16_GiB);
    }
    wire::HostListing list() const { return device::make_amd_lister(roots())->list(); }
    Result<wire::HostSample> ask(const char* uuid = kFirstUuid) const {
        return device::make_amd_backend(uuid, roots())->sample({});
    }
    wire::HostSample sample(const char* uuid = kFirstUuid) const { return ask(uuid).value(); }

    // From now on processes are those of this tree, too.
    void own_proc() {
        proc = file("proc");
        write("proc/self/comm", "test\n");
    }
    void add_process(int pid, char state = 'S') const {
        const std::string folder = fmt::format("proc/{}", pid);
        write(folder + "/comm", "blender\n");
        write(folder + "/stat", fmt::format("{} (blender) {} 1 7 7 0 -1 0\n", pid, state));
    }
    void open_render_node(int pid, int number, const std::string& fdinfo) const {
        const std::string folder = fmt::format("proc/{}", pid);
        write(fmt::format("{}/fdinfo/{}", folder, number), fdinfo);
        fs::create_directories(file(folder + "/fd"));
        fs::create_symlink("/dev/dri/renderD128", file(fmt::format("{}/fd/{}", folder, number)));
    }
};

std::string fdinfo(const std::string& client, const std::string& memory,
                   const std::string& bus_id = "0000:03:00.0") {
    return "pos:\t0\nflags:\t02100002\nmnt_id:\t23\nino:\t1\ndrm-driver:\tamdgpu\ndrm-client-id:"
           "\t" +
           client + "\ndrm-pdev:\t" + bus_id + "\n" + memory + "drm-memory-gtt:\t64 KiB\n";
}

}  // namespace

TEST_CASE("[R25] AMD's cards are listed with what sysfs says of them") {
    const Machine machine;
    machine.write("sys/class/drm/card0-DP-1/device/vendor", "0x1002\n");  // an output
    machine.write("sys/class/drm/card5/device/vendor", "0x8086\n");       // somebody else's
    machine.write("sys/module/amdgpu/version", "6.7.0\n");
    machine.remove(AmdFiles::card_folder(1) + "/product_name");
    const wire::HostListing listing = machine.list();
    REQUIRE(listing.devices.size() == 2);
    CHECK(listing.is_complete);
    CHECK(listing.devices[0] == wire::HostDevice{.uuid = kFirstUuid,
                                                 .name = "AMD Instinct MI210 (gfx90a)",
                                                 .bus_id = "0000:03:00.0",
                                                 .compute_capability = {},
                                                 .driver_version = "6.7.0",
                                                 .cuda_version = {},
                                                 .capacity = 64_GiB});
    CHECK(listing.devices[1].uuid == kSecondUuid);
    CHECK(listing.devices[1].name == "AMD GPU 0x740f (gfx90a)");
    REQUIRE(listing.drivers.size() == 1);
    CHECK(listing.drivers[0] == wire::HostDriver{.name = "amd",
                                                 .state = wire::HostDriver::State::usable,
                                                 .message = {},
                                                 .version = "6.7.0"});
}

TEST_CASE("a card that no worker could be shown alone, or that ROCm cannot use, is left out") {
    const Machine machine;
    machine.remove(AmdFiles::card_folder(0) + "/unique_id");
    wire::HostListing listing = machine.list();
    REQUIRE(listing.devices.size() == 1);
    CHECK(listing.drivers.at(0).state == wire::HostDriver::State::usable);
    CHECK(listing.drivers.at(0).message.contains("card0 (0000:03:00.0) has no unique_id"));
    machine.remove("sys/class/kfd");
    listing = machine.list();
    CHECK(listing.devices.empty());
    CHECK(listing.drivers.at(0).state == wire::HostDriver::State::absent);
    CHECK(listing.drivers.at(0).message.contains("/dev/kfd"));
    machine.remove("sys/class/drm");
    CHECK(machine.list() == wire::HostListing{});  // not even a driver that is absent
}

TEST_CASE("a node of an older kernel, without unique_id, is found by its place on the bus") {
    const Machine machine;
    machine.write(AmdFiles::node_folder(0) + "/properties", "location_id 768\ndomain 0\n");
    machine.hold(0, ::getpid(), 3_GiB);
    CHECK(machine.sample().processes.at(0).bytes == 3_GiB);
    machine.write(AmdFiles::node_folder(0) + "/properties", "location_id 768\ndomain 1\n");
    CHECK(machine.ask().error().code == Errc::device_lost);
}

TEST_CASE("memory, use and processes are those of this GPU and of no other") {
    const Machine machine;
    machine.set_used(0, 5_GiB);
    machine.hold(0, ::getpid(), 3_GiB);
    machine.hold(1, ::getpid(), 1_GiB);
    machine.hold(1, ::getppid(), 2_GiB);
    const wire::HostSample first = machine.sample();
    CHECK(first.capacity == 64_GiB);
    CHECK(first.used == 5_GiB);
    CHECK(first.free == 59_GiB);
    CHECK(first.busy_percent == 37);
    CHECK(first.source == "amdgpu");
    CHECK(first.processes_source == "kfd");
    REQUIRE(first.processes.size() == 1);
    CHECK(first.processes[0].bytes == 3_GiB);
    CHECK(machine.sample(kSecondUuid).processes.size() == 2);
}

TEST_CASE("what the kernel does not tell is unknown") {
    const Machine machine;
    machine.write(AmdFiles::card_folder(0) + "/gpu_busy_percent", "");
    machine.hold(0, ::getpid(), 65_GiB);  // more than there is
    const wire::HostSample seen = machine.sample();
    CHECK_FALSE(seen.busy_percent.has_value());
    CHECK_FALSE(seen.processes.at(0).bytes.has_value());
    CHECK_FALSE(seen.processes_known);
    machine.remove("sys/class/kfd/kfd/proc");
    CHECK_FALSE(machine.sample().processes_known);
    machine.write(AmdFiles::card_folder(0) + "/mem_info_vram_used", "");
    CHECK(machine.ask().error().code == Errc::transient);
    CHECK(machine.sample(kSecondUuid).used == 0_GiB);
}

TEST_CASE("in another pid namespace KFD's pids are somebody else's, and nobody is named") {
    Machine machine;
    machine.own_proc();
    machine.is_copy = false;
    machine.hold(0, ::getpid(), 3_GiB);
    machine.set_used(0, 3_GiB);
    fs::create_directories(machine.file("proc/self/ns"));
    fs::create_symlink("pid:[4026532198]", machine.file("proc/self/ns/pid"));
    CHECK(machine.sample().processes.empty());
    CHECK_FALSE(machine.sample().processes_known);
    CHECK(machine.sample().used == 3_GiB);
    fs::remove(machine.file("proc/self/ns/pid"));
    fs::create_symlink("pid:[4026531836]", machine.file("proc/self/ns/pid"));
    CHECK(machine.sample().processes.at(0).bytes == 3_GiB);
    CHECK(machine.sample().processes_known);
}

TEST_CASE("a dead process that nobody reaps keeps its memory, and is told as ps does") {
    Machine machine;
    machine.own_proc();
    machine.add_process(70, 'Z');
    machine.add_process(71);
    machine.hold(0, 70, 3_GiB);
    machine.hold(0, 71, 1_GiB);
    const wire::HostSample seen = machine.sample();
    REQUIRE(seen.processes.size() == 2);
    CHECK(seen.processes[0].name == "blender <defunct>");
    CHECK(seen.processes[0].bytes == 3_GiB);
    CHECK(seen.processes[1].name == "blender");
}

TEST_CASE("who draws, and is not KFD's, is found by what its open files of DRM say") {
    Machine machine;
    machine.own_proc();
    for (const int pid : {70, 71, 72}) machine.add_process(pid);
    machine.open_render_node(70, 5, fdinfo("12", "drm-memory-vram:\t1048576 KiB\n"));
    machine.open_render_node(70, 6, fdinfo("12", "drm-memory-vram:\t1048576 KiB\n"));  // dup(2)
    machine.open_render_node(70, 7, fdinfo("13", "drm-resident-vram:\t512 MiB\n"));
    machine.open_render_node(71, 5, fdinfo("12", "drm-memory-vram:\t1048576 KiB\n"));  // forked
    machine.open_render_node(71, 6, fdinfo("14", "drm-total-vram:\t4096\n"));
    machine.open_render_node(71, 7, fdinfo("1", "drm-memory-vram:\t8 MiB\n", "0000:04:00.0"));
    machine.open_render_node(72, 5, fdinfo("15", "drm-memory-vram:\t1 MiB\n"));
    machine.hold(0, 72, 2_GiB);  // KFD counts what its open files show
    const wire::HostSample seen = machine.sample();
    REQUIRE(seen.processes.size() == 3);
    CHECK(seen.processes[0].bytes == 1536_MiB);
    CHECK(seen.processes[1].bytes == Bytes{4096});
    CHECK(seen.processes[2].bytes == 2_GiB);
    CHECK(machine.sample(kSecondUuid).processes.at(0).bytes == 8_MiB);
}

TEST_CASE("fdinfo of other files, and numbers that are none, are no clients and no bytes") {
    CHECK_FALSE(device::parse_fdinfo("pos:\t0\nflags:\t0100002\n").has_value());
    CHECK_FALSE(device::parse_fdinfo("drm-driver:\tmsm\ndrm-client-id:\t3\n").has_value());
    for (const char* text : {"drm-memory-vram:\t\n", "drm-memory-vram:\tmany KiB\n",
                             "drm-memory-vram:\t18446744073709551615 KiB\n"}) {
        const auto client = device::parse_fdinfo(fdinfo("1", text));
        REQUIRE(client.has_value());
        CHECK_FALSE(client.value_or(device::DrmClient{.vram = 1_MiB}).vram.has_value());
    }
}
