// Reads /proc/PID/{stat,comm,smaps_rollup}.
#include "device/process_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "device/number_text.h"
#include "io/read_file.h"

namespace windlass::device {
namespace {

constexpr std::size_t kSmallFileMax = 4096;

constexpr int kDepthMax = 1000;  // of ancestry; parents form no circle
constexpr int kFollowTries = 3;  // each breaks off only if an ancestor ends within microseconds

// Fields of /proc/PID/stat, proc(5).
constexpr int kParent = 4;
constexpr int kSession = 6;

// The name before them may hold anything, parentheses too.
std::optional<int> find_field(const std::string& stat, int number) {
    const std::size_t name_end = stat.rfind(") ");
    if (name_end == std::string::npos) return std::nullopt;
    std::string_view rest = std::string_view{stat}.substr(name_end + 2);
    for (int field = 3; field < number; ++field) {  // from the state on
        const std::size_t space = rest.find(' ');
        if (space == std::string_view::npos) return std::nullopt;
        rest.remove_prefix(space + 1);
    }
    return parse_front<int>(rest);
}

}  // namespace

wire::HostProcess ProcessTable::describe(int pid) const {
    wire::HostProcess process{.pid = pid};
    if (auto name = io::read_file(fmt::format("{}/{}/comm", root_, pid), kSmallFileMax)) {
        while (name->ends_with('\n')) name->pop_back();
        process.name = std::move(name);
    }
    if (const auto stat = io::read_file(fmt::format("{}/{}/stat", root_, pid), kSmallFileMax)) {
        process.session = find_field(*stat, kSession);
    }
    return process;
}

bool ProcessTable::is_zombie(int pid) const {
    const auto stat = io::read_file(fmt::format("{}/{}/stat", root_, pid), kSmallFileMax);
    const std::size_t name_end = stat ? stat->rfind(") ") : std::string::npos;
    return name_end != std::string::npos && stat->compare(name_end + 2, 1, "Z") == 0;
}

std::optional<int> ProcessTable::find_branch(int pid, int ancestor) const {
    std::optional<int> branch;
    for (int tries = 0; !branch && tries < kFollowTries; ++tries) {
        branch = follow_parents(pid, ancestor);
    }
    return branch;
}

std::optional<int> ProcessTable::follow_parents(int pid, int ancestor) const {
    for (int depth = 0; depth < kDepthMax; ++depth) {
        const auto stat = io::read_file(fmt::format("{}/{}/stat", root_, pid), kSmallFileMax);
        const auto parent = stat ? find_field(*stat, kParent) : std::nullopt;
        if (!parent) return std::nullopt;
        if (*parent == ancestor) return pid;
        if (*parent == 0) return 0;  // init, or started from outside of our namespace
        pid = *parent;
    }
    return std::nullopt;
}

std::optional<base::Bytes> ProcessTable::find_own_size(int pid) const {
    const auto text = io::read_file(fmt::format("{}/{}/smaps_rollup", root_, pid), kSmallFileMax);
    if (!text) return std::nullopt;
    const auto anonymous = find_kibibytes(*text, "Pss_Anon:");
    const auto shared = find_kibibytes(*text, "Pss_Shmem:");
    if (anonymous && shared) return *anonymous + *shared;
    return find_kibibytes(*text, "Pss:");
}

std::vector<wire::HostProcess> ProcessTable::measure_sessions(
    const std::vector<int>& leaders) const {
    std::vector<wire::HostProcess> found;
    if (leaders.empty()) return found;
    std::error_code ended;
    for (std::filesystem::directory_iterator at{root_, ended};
         !ended && at != std::filesystem::directory_iterator{}; at.increment(ended)) {
        const auto pid = parse_whole<int>(at->path().filename().string());
        if (!pid) continue;
        wire::HostProcess process = describe(*pid);
        if (!process.session || std::ranges::count(leaders, *process.session) == 0) continue;
        process.bytes = find_own_size(*pid);
        found.push_back(std::move(process));
    }
    std::ranges::sort(found, {}, &wire::HostProcess::pid);
    return found;
}

}  // namespace windlass::device
