// Cards of DRM and nodes of KFD, joined. Files: kernel documentation, gpu/amdgpu/driver-misc; KFD's
// topology: drivers/gpu/drm/amd/amdkfd/kfd_topology.c of Linux 6.1.
#include "device/amd_tree.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "device/number_text.h"
#include "io/read_file.h"

namespace windlass::device {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTreeFileMax = 1 << 16;
constexpr std::string_view kVendor = "0x1002";  // of PCI: AMD, formerly ATI

// Without the line's end; empty where it cannot be read.
std::string read_line(const std::string& path) {
    std::string text = io::read_file(path, kTreeFileMax).value_or("");
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code ended;
    for (fs::directory_iterator at{folder, ended}; !ended && at != fs::directory_iterator{};
         at.increment(ended)) {
        names.push_back(at->path().filename());
    }
    std::ranges::sort(names);
    return names;
}

bool is_card(std::string_view name) {  // and none of its outputs, "card0-DP-1"
    constexpr std::string_view kPrefix = "card";
    if (!name.starts_with(kPrefix)) return false;
    return parse_whole<unsigned>(name.substr(kPrefix.size())).has_value();
}

std::string find_bus_id(const std::string& uevent) {
    constexpr std::string_view kKey = "PCI_SLOT_NAME=";
    const std::size_t begin = uevent.find(kKey);
    if (begin == std::string::npos) return {};
    const std::size_t value = begin + kKey.size();
    return uevent.substr(value, uevent.find('\n', value) - value);
}

// KFD's node of a GPU. A node of a CPU has the gpu_id 0.
struct Node {
    std::string gpu_id;
    std::uint64_t unique_id = 0;  // 0: it has none
    std::uint64_t location = 0;   // bus, device and function
    std::uint64_t domain = 0;
    std::uint64_t target = 0;  // 90010: gfx90a
};

std::vector<Node> find_nodes(const AmdRoots& roots) {
    const std::string folder = roots.sys + "/class/kfd/kfd/topology/nodes";
    std::vector<Node> nodes;
    for (const std::string& name : names_in(folder)) {
        const std::string path = fmt::format("{}/{}", folder, name);
        const std::string gpu_id = read_line(path + "/gpu_id");
        // In a container that may not use it, it cannot be read.
        if (gpu_id.empty() || gpu_id == "0") continue;
        const std::string text = io::read_file(path + "/properties", kTreeFileMax).value_or("");
        const auto number = [&](std::string_view key) { return find_keyed(text, key).value_or(0); };
        nodes.push_back({.gpu_id = gpu_id,
                         .unique_id = number("unique_id"),
                         .location = number("location_id"),
                         .domain = number("domain"),
                         .target = number("gfx_target_version")});
    }
    return nodes;
}

// "0000:03:00.0" as KFD writes it: (bus << 8) | (device << 3) | function.
struct Location {
    std::uint64_t domain = 0;
    std::uint64_t within = 0;
};
std::optional<Location> parse_bus_id(std::string_view text) {
    std::array<std::uint64_t, 4> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto read =
            std::from_chars(text.data(), text.data() + text.size(), parts.at(i), 16);  // base
        if (read.ec != std::errc{}) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
        const char separator = i < 2 ? ':' : '.';
        if (i + 1 == parts.size()) break;
        if (!text.starts_with(separator)) return std::nullopt;
        text.remove_prefix(1);
    }
    return Location{.domain = parts[0], .within = (parts[1] << 8U) | (parts[2] << 3U) | parts[3]};
}

const Node* find_node(const std::vector<Node>& nodes, std::uint64_t unique_id,
                      const std::string& bus_id) {
    const auto same = std::ranges::find(nodes, unique_id, &Node::unique_id);
    if (same != nodes.end()) return &*same;
    const auto place = parse_bus_id(bus_id);
    if (!place) return nullptr;
    const auto there = std::ranges::find_if(nodes, [&](const Node& node) {
        return node.unique_id == 0 && node.location == place->within &&
               node.domain == place->domain;
    });
    return there == nodes.end() ? nullptr : &*there;
}

// "gfx90a": major and minor decimal, the stepping hexadecimal.
std::string name_target(std::uint64_t target) {
    return fmt::format("gfx{}{}{:x}", target / 10000, target / 100 % 100, target % 100);
}

std::string name_of(const std::string& folder, const Node& node) {
    std::string name = read_line(folder + "/product_name");  // where the board tells
    if (name.empty()) name = "AMD GPU " + read_line(folder + "/device");
    return node.target == 0 ? name : fmt::format("{} ({})", name, name_target(node.target));
}

}  // namespace

AmdRoots find_amd_roots() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the driver host has one thread
    const char* const copy = std::getenv("WINDLASS_AMD_SYSFS");
    if (copy == nullptr || *copy == '\0') return {};
    return {.sys = copy, .is_copy = true};
}

std::optional<std::uint64_t> read_amd_number(const std::string& path) {
    return parse_whole<std::uint64_t>(read_line(path));
}

AmdCards find_amd_cards(const AmdRoots& roots) {
    AmdCards cards;
    const std::string folder = roots.sys + "/class/drm";
    const std::vector<Node> nodes = find_nodes(roots);
    for (const std::string& name : names_in(folder)) {
        const std::string path = fmt::format("{}/{}/device", folder, name);
        if (!is_card(name) || read_line(path + "/vendor") != kVendor) continue;
        const std::string bus_id =
            find_bus_id(io::read_file(path + "/uevent", kTreeFileMax).value_or(""));
        const std::string digits = read_line(path + "/unique_id");
        std::uint64_t unique_id = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), unique_id, 16);
        if (unique_id == 0) {
            cards.unusable.push_back(
                fmt::format("AMD's {} ({}) has no unique_id, by which a worker could be shown it "
                            "alone: it is left out",
                            name, bus_id));
            continue;
        }
        const Node* const node = find_node(nodes, unique_id, bus_id);
        if (node == nullptr) {
            cards.unusable.push_back(
                fmt::format("AMD's {} ({}) has no node under /sys/class/kfd/kfd/topology: the "
                            "kernel has no KFD, or this container may not use the card (it needs "
                            "/dev/kfd and its /dev/dri/renderD*); it is left out",
                            name, bus_id));
            continue;
        }
        cards.usable.push_back({.folder = path,
                                .uuid = fmt::format("GPU-{:016x}", unique_id),
                                .bus_id = bus_id,
                                .name = name_of(path, *node),
                                .gpu_id = node->gpu_id});
    }
    return cards;
}

}  // namespace windlass::device
