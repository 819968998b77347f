// For tests: a copy of what sysfs shows of AMD's GPUs, after the kernel's documentation.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/bytes.h"
#include "base/testing/scratch_directory.h"
#include "device/amd_tree.h"

namespace windlass::device::testing {

class AmdFiles {
  public:
    AmdRoots roots() const {
        return {.sys = folder_.path + "/sys", .proc = proc, .is_copy = is_copy};
    }

    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path whole = std::filesystem::path{folder_.path} / path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream{whole} << text;
    }
    void remove(const std::string& path) const {
        std::filesystem::remove_all(std::filesystem::path{folder_.path} / path);
    }
    std::string file(const std::string& path) const { return folder_.file(path); }

    // card0 is at 0000:03:00.0 with the node 1, card1 at 0000:04:00.0 with the node 2, ...
    void add_card(int number, std::uint64_t unique_id, base::Bytes capacity) const {
        const std::string card = card_folder(number);
        write(card + "/vendor", "0x1002\n");
        write(card + "/device", "0x740f\n");
        write(card + "/uevent", fmt::format("DRIVER=amdgpu\nPCI_SLOT_NAME=0000:{:02x}:00.0\n"
                                            "MODALIAS=pci:v00001002d0000740F\n",
                                            number + 3));
        write(card + "/unique_id", fmt::format("{:016x}\n", unique_id));
        write(card + "/product_name", "AMD Instinct MI210\n");
        write(card + "/gpu_busy_percent", "37\n");
        write(card + "/mem_info_vram_total", fmt::format("{}\n", capacity.count()));
        set_used(number, base::Bytes{});
        write(node_folder(number) + "/gpu_id", fmt::format("{}\n", gpu_id(number)));
        write(node_folder(number) + "/properties",
              fmt::format("cpu_cores_count 0\nsimd_count 416\nvendor_id 4098\ndevice_id 29711\n"
                          "location_id {}\ndomain 0\ngfx_target_version 90010\nunique_id {}\n",
                          (number + 3) << 8, unique_id));
        write("sys/class/kfd/kfd/topology/nodes/0/gpu_id", "0\n");
        std::filesystem::create_directories(file("sys/class/kfd/kfd/proc"));
    }
    void set_used(int number, base::Bytes used) const {
        write(card_folder(number) + "/mem_info_vram_used", fmt::format("{}\n", used.count()));
    }
    void hold(int number, int pid, base::Bytes bytes) const {
        write(process_folder(pid) + "/pasid", "32771\n");
        write(process_file(number, pid), fmt::format("{}\n", bytes.count()));
    }

    static std::string card_folder(int number) {
        return fmt::format("sys/class/drm/card{}/device", number);
    }
    static std::string node_folder(int number) {
        return fmt::format("sys/class/kfd/kfd/topology/nodes/{}", number + 1);
    }
    static std::string process_folder(int pid) {
        return fmt::format("sys/class/kfd/kfd/proc/{}", pid);
    }
    static std::string process_file(int number, int pid) {
        return fmt::format("{}/vram_{}", process_folder(pid), gpu_id(number));
    }
    static int gpu_id(int number) { return 50000 + number; }

    std::string proc = "/proc";
    bool is_copy = true;

  private:
    base::testing::ScratchDirectory folder_;
};

}  // namespace windlass::device::testing
