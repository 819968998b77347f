// The one suite for every backend of a device: the CPU on a tree of /proc, NVML on the emulator,
// AMD on a tree of sysfs.
#include "device_contract.h"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "device/amd_backend.h"
#include "device/cpu_backend.h"
#include "device/nvml_backend.h"
#include "device/testing/amd_files.h"
#include "nvml_world.h"

namespace windlass::device {
namespace {

using namespace base;  // NOLINT(google-build-using-namespace): the literals of Bytes

class CpuWorld final : public testing::DeviceWorld {
  public:
    CpuWorld() {
        is_gpu = false;
        write("self/cgroup", "");
        write("self/mountinfo", "");
        tell();
    }
    std::unique_ptr<Backend> open(int) override {
        return std::make_unique<CpuBackend>(CpuRoots{.proc = folder_.path, .mounts = folder_.path});
    }
    void hold(int pid, Bytes bytes) override {
        held_[pid] = bytes;
        const std::string process = std::to_string(pid);
        if (bytes == Bytes{}) {
            std::filesystem::remove_all(folder_.file(process));
        } else {
            write(process + "/comm", "python3\n");
            write(process + "/stat", fmt::format("{} (python3) S 1 {} {} 0 -1 0\n", pid, pid, pid));
            write(process + "/smaps_rollup",
                  fmt::format("Pss_Anon: {} kB\nPss_Shmem: 0 kB\n", bytes.count() >> 10U));
        }
        tell();
    }
    void hide(int pid) override {
        std::filesystem::remove(folder_.file(std::to_string(pid) + "/smaps_rollup"));
    }

  private:
    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path whole = folder_.file(path);
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream{whole} << text;
    }
    void tell() const {
        Bytes free = 12_GiB;
        for (const auto& [pid, bytes] : held_) free = free - bytes;
        write("meminfo", fmt::format("MemTotal: {} kB\nMemAvailable: {} kB\n",
                                     (16_GiB).count() >> 10U, free.count() >> 10U));
    }

    base::testing::ScratchDirectory folder_;
    std::map<int, Bytes> held_;
};

class EmulatedWorld final : public testing::DeviceWorld {
  public:
    std::unique_ptr<Backend> open(int daemon_pid) override {
        return make_nvml_backend(emulator::device_uuid(0), "", daemon_pid);
    }
    void hold(int pid, Bytes bytes) override {
        if (bytes == Bytes{}) return testing::node().clear_strangers(0);
        testing::node().set_stranger(0, static_cast<std::uint32_t>(pid), bytes).value();
    }
    void hide(int) override {
        testing::node().set_fault(0, emulator::Fault::process_memory_hidden);
    }
    void lose() override { testing::node().set_fault(0, emulator::Fault::device_lost); }
    void bring_back() override { testing::node().clear_faults(0); }

  private:
    testing::NvmlWorld world_;
};

class AmdWorld final : public testing::DeviceWorld {
  public:
    AmdWorld() { files_.add_card(0, kUniqueId, 64_GiB); }
    std::unique_ptr<Backend> open(int daemon_pid) override {
        return make_amd_backend("GPU-a1b2c3d4e5f60718", files_.roots(), daemon_pid);
    }
    void hold(int pid, Bytes bytes) override {
        held_[pid] = bytes;
        if (bytes == Bytes{}) {
            files_.remove(testing::AmdFiles::process_folder(pid));
        } else {
            files_.hold(0, pid, bytes);
        }
        Bytes used;
        for (const auto& [each, has] : held_) used = used + has;
        files_.set_used(0, used);
    }
    void hide(int pid) override { files_.write(testing::AmdFiles::process_file(0, pid), ""); }
    void lose() override { files_.remove("sys/class/drm/card0"); }
    void bring_back() override { files_.add_card(2, kUniqueId, 64_GiB); }  // numbered anew

  private:
    static constexpr std::uint64_t kUniqueId = 0xa1b2c3d4e5f60718;
    testing::AmdFiles files_;
    std::map<int, Bytes> held_;
};

}  // namespace

TEST_CASE("[R25] the CPU keeps the contract of devices") { testing::check_device<CpuWorld>(); }

TEST_CASE("[R25] NVIDIA's devices keep it, on the emulator") {
    testing::check_device<EmulatedWorld>();
}

TEST_CASE("[R25] AMD's devices keep it, on a tree of files") { testing::check_device<AmdWorld>(); }

}  // namespace windlass::device
