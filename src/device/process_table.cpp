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

// Field 6 of /proc/PID/stat, proc(5). The name before it may hold anything, parentheses too.
std::optional<int> find_session(const std::string& stat) {
    const std::size_t name_end = stat.rfind(") ");
    if (name_end == std::string::npos) return std::nullopt;
    std::string_view rest = std::string_view{stat}.substr(name_end + 2);
    for (int field = 3; field < 6; ++field) {  // state, parent, group
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
        process.session = find_session(*stat);
    }
    return process;
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
