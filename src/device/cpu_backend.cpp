// Reads /proc/meminfo and the files of the memory cgroup.
#include "device/cpu_backend.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "device/number_text.h"
#include "io/read_file.h"

namespace windlass::device {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileMax = 1 << 20;

std::string read_all(const std::string& path) { return io::read_file(path, kFileMax).value_or(""); }

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (end > 0) parts.push_back(text.substr(0, end));
        if (end == text.size()) return parts;
        text.remove_prefix(end + 1);
    }
}

bool names(std::string_view list, std::string_view wanted) {
    return std::ranges::count(split(list, ','), wanted) > 0;
}

// Of /proc/self/cgroup (cgroups(7)): "ID:CONTROLLERS:PATH"; version 2 has no controllers there.
std::optional<std::string> find_cgroup_path(std::string_view text, std::string_view controller) {
    for (const std::string_view line : split(text, '\n')) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const bool is_it =
            controller.empty() ? controllers.empty() : names(controllers, controller);
        if (is_it) return std::string{line.substr(second + 1)};
    }
    return std::nullopt;
}

// Of /proc/self/mountinfo (proc(5)): field 5 is the mount point; after " - " come type, source and
// the options of the file system, which name the controllers of version 1.
std::optional<std::string> find_cgroup_mount(std::string_view text, std::string_view controller) {
    for (const std::string_view line : split(text, '\n')) {
        const std::size_t gap = line.find(" - ");
        if (gap == std::string_view::npos) continue;
        const std::vector<std::string_view> fields = split(line.substr(0, gap), ' ');
        const std::vector<std::string_view> system = split(line.substr(gap + 3), ' ');
        if (fields.size() < 5 || system.size() < 3) continue;
        const bool is_it = controller.empty()
                               ? system[0] == "cgroup2"
                               : system[0] == "cgroup" && names(system[2], controller);
        if (is_it) return std::string{fields[4]};
    }
    return std::nullopt;
}

std::optional<std::uint64_t> read_number(const fs::path& path) {
    return parse_whole<std::uint64_t>(read_all(path));
}

// Of memory.stat: pages of files, active ones too, or weights that are mapped would be a
// stranger's.
std::uint64_t find_cache(const std::string& details, const std::string& prefix) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 62U;
    const std::uint64_t inactive = find_keyed(details, prefix + "inactive_file").value_or(0);
    const std::uint64_t active = find_keyed(details, prefix + "active_file").value_or(0);
    return std::min(inactive, kMost) + std::min(active, kMost);
}

}  // namespace

CpuBackend::CpuBackend(CpuRoots roots) : roots_(std::move(roots)), processes_(roots_.proc) {}

base::Result<wire::HostSample> CpuBackend::sample(const wire::SampleOrder& order) {
    wire::HostSample sample;
    const std::optional<Limit> machine = find_machine_limit();
    std::optional<Limit> limit = find_cgroup_limit();
    if (limit && machine) {
        // A limit above what the machine has, or that it cannot give now, promises nothing.
        if (limit->capacity >= machine->capacity) limit = machine;
        limit->free = std::min(limit->free, machine->free);
    }
    if (!limit) limit = machine;
    if (limit) {
        sample.capacity = limit->capacity;
        sample.free = limit->free;
        sample.used = limit->capacity - std::min(limit->free, limit->capacity);
        sample.source = limit->source;
    }
    sample.processes = processes_.measure_sessions(order.pids);
    sample.processes_known = std::ranges::all_of(
        sample.processes, [](const wire::HostProcess& process) { return !!process.bytes; });
    sample.processes_source = "smaps_rollup";
    return sample;
}

std::optional<CpuBackend::Limit> CpuBackend::find_machine_limit() const {
    const std::string text = read_all(roots_.proc + "/meminfo");
    const auto total = find_kibibytes(text, "MemTotal:");
    const auto available = find_kibibytes(text, "MemAvailable:");  // Linux 3.14
    if (!total || !available) return std::nullopt;
    return Limit{.capacity = *total, .free = *available, .source = "/proc/meminfo"};
}

std::optional<CpuBackend::Limit> CpuBackend::find_cgroup_limit() const {
    const std::string cgroups = read_all(roots_.proc + "/self/cgroup");
    const std::string mounts = read_all(roots_.proc + "/self/mountinfo");
    std::optional<Limit> lowest;
    for (const std::string_view controller : {std::string_view{}, std::string_view{"memory"}}) {
        const auto mount = find_cgroup_mount(mounts, controller);
        const auto path = find_cgroup_path(cgroups, controller);
        if (!mount || !path) continue;
        // In a container without a cgroup namespace the path is that of the host, and what is
        // mounted is only our part: then the mount point itself is ours.
        const std::string top = roots_.mounts + *mount;
        std::string folder = top + (*path == "/" ? "" : *path);
        std::error_code unknown;
        if (!fs::is_directory(folder, unknown)) folder = top;
        // The limits of the groups above hold as well; a path has few parts.
        while (folder.size() >= top.size()) {
            const auto limit =
                controller.empty() ? find_unified_limit(folder) : find_legacy_limit(folder);
            if (limit && (!lowest || limit->free < lowest->free)) lowest = limit;
            folder.resize(std::min(folder.rfind('/'), folder.size() - 1));
        }
    }
    return lowest;
}

std::optional<CpuBackend::Limit> CpuBackend::find_unified_limit(const std::string& folder) const {
    const auto most = read_number(folder + "/memory.max");  // "max": none
    const auto used = read_number(folder + "/memory.current");
    if (!most || !used) return std::nullopt;
    const std::string details = read_all(folder + "/memory.stat");
    const std::uint64_t held = *used - std::min(find_cache(details, ""), *used);
    return Limit{.capacity = base::Bytes{*most},
                 .free = base::Bytes{*most - std::min(held, *most)},
                 .source = "cgroup v2"};
}

std::optional<CpuBackend::Limit> CpuBackend::find_legacy_limit(const std::string& folder) const {
    const auto most = read_number(folder + "/memory.limit_in_bytes");
    const auto used = read_number(folder + "/memory.usage_in_bytes");
    constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 62U;  // LONG_MAX, less part of a page
    if (!most || !used || *most >= kUnlimited) return std::nullopt;
    const std::string details = read_all(folder + "/memory.stat");
    const std::uint64_t held = *used - std::min(find_cache(details, "total_"), *used);
    return Limit{.capacity = base::Bytes{*most},
                 .free = base::Bytes{*most - std::min(held, *most)},
                 .source = "cgroup v1"};
}

}  // namespace windlass::device
