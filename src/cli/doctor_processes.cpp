// Reading /proc/PID/stat, and the check of processes that are no more, or do not move.
#include "cli/doctor_processes.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"

namespace windlass::cli {
namespace {

constexpr std::size_t kProcessesTold = 5;
constexpr int kGenerationsMax = 64;  // of parents

std::string proc_of(int pid) { return fmt::format("/proc/{}", pid); }

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(words,
                               [text](std::string_view word) { return text.contains(word); });
}

// Where a thread waits in the kernel, of those that hang: the driver's symbols begin so (open
// kernel modules of NVIDIA, and amdgpu's).
bool is_driver_channel(std::string_view channel) {
    return channel.starts_with("nv") || channel.starts_with("os_") || channel.starts_with("uvm_") ||
           channel.starts_with("_nv") || channel.starts_with("rm_") ||
           channel.starts_with("amdgpu") || channel.starts_with("kfd_") ||
           channel.starts_with("drm_");
}
bool is_storage_channel(std::string_view channel) {
    return contains_any(channel, {"nfs", "fuse", "cifs", "rpc_", "ceph"});
}

// Of its threads in state D: "uvm_x of thread 12".
void look_at_stuck(const DoctorView& view, const SeenProcess& process, Report& report) {
    const std::string folder = proc_of(process.pid) + "/task";
    for (const std::string& thread : names_in(view, folder)) {
        const std::string path = fmt::format("{}/{}", folder, thread);
        const std::string stat = read_text_file(view, path + "/stat");
        const std::size_t name_end = stat.rfind(") ");
        if (name_end == std::string::npos || !stat.substr(name_end + 2).starts_with('D')) continue;
        const std::string channel{first_line(read_text_file(view, path + "/wchan"))};
        const bool is_driver = is_driver_channel(channel);
        if (!is_driver && !is_storage_channel(channel)) continue;
        report.add(is_driver ? FindingKind::stuck_in_driver : FindingKind::stuck_in_storage,
                   fmt::format("{} is in state D: its thread {} waits in {}", to_text(process),
                               thread, one_line(channel)));
        return;
    }
}

void look_at_zombies(const DoctorView& view, Report& report) {
    std::map<int, std::vector<SeenProcess>> by_parent;
    const auto is_of_init = [](const SeenProcess& seen) { return seen.parent == 1; };
    std::vector<SeenProcess> dead = lasting_processes(view, 'Z', 1);
    // Whatever reaps only every few seconds does its duty.
    if (std::ranges::any_of(dead, is_of_init)) {
        dead = lasting_processes(view, 'Z', kReapingLooks);
    }
    for (const SeenProcess& zombie : dead) {
        if (zombie.threads > 1) {
            report.add(
                FindingKind::zombie_with_threads,
                fmt::format("{} is a zombie with {} threads", to_text(zombie), zombie.threads));
        } else {
            by_parent[zombie.parent].push_back(zombie);
        }
    }
    for (const auto& [parent, children] : by_parent) {
        const auto owner = see_process(view, parent);
        report.add(parent == 1 ? FindingKind::zombies_of_init : FindingKind::zombies,
                   fmt::format("{}; the parent is {}", to_text(children),
                               owner ? to_text(*owner) : fmt::format("process {}", parent)));
    }
}

}  // namespace

std::optional<SeenProcess> see_process(const DoctorView& view, int pid) {
    const std::string text = read_text_file(view, proc_of(pid) + "/stat");
    // The second field is the name in parentheses and may hold anything (proc(5)).
    const std::size_t name_begin = text.find('(');
    const std::size_t name_end = text.rfind(") ");
    if (name_end == std::string::npos || name_begin > name_end) return std::nullopt;
    SeenProcess seen{.pid = pid, .name = text.substr(name_begin + 1, name_end - name_begin - 1)};
    unsigned long long threads = 0;
    unsigned long long start = 0;
    // NOLINTNEXTLINE(cert-err34-c): numbers of the kernel's
    const int read = std::sscanf(text.c_str() + name_end + 2,
                                 "%c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                                 "%*d %llu %*d %llu",
                                 &seen.state, &seen.parent, &seen.session, &threads, &start);
    if (read < 5) return std::nullopt;
    seen.threads = threads;
    seen.start_ticks = start;
    return seen;
}

std::vector<SeenProcess> see_processes(const DoctorView& view) {
    std::vector<SeenProcess> processes;
    for (const std::string& name : names_in(view, "/proc")) {
        int pid = 0;
        std::from_chars(name.data(), name.data() + name.size(), pid);
        if (pid <= 0) continue;
        if (auto process = see_process(view, pid)) processes.push_back(*std::move(process));
    }
    return processes;
}

std::vector<SeenProcess> lasting_processes(const DoctorView& view, char state, int looks) {
    std::vector<SeenProcess> lasting = see_processes(view);
    std::erase_if(lasting, [state](const SeenProcess& seen) { return seen.state != state; });
    for (int look = 0; !lasting.empty() && look < looks; ++look) {
        view.pause(kSecondLook);
        std::erase_if(lasting, [&](const SeenProcess& seen) {
            const auto now = see_process(view, seen.pid);
            return !now || *now != seen || now->state != state;
        });
    }
    return lasting;
}

std::string to_text(const SeenProcess& process) {
    return fmt::format("{} (process {})", one_line(process.name), process.pid);
}

std::string to_text(const std::vector<SeenProcess>& processes) {
    std::string text;
    for (std::size_t index = 0; index < std::min(processes.size(), kProcessesTold); ++index) {
        text += (text.empty() ? "" : ", ") + to_text(processes[index]);
    }
    if (processes.size() <= kProcessesTold) return text;
    return text + fmt::format(" and {} more", processes.size() - kProcessesTold);
}

bool is_of_windlass(const DoctorView& view, int pid) {
    for (int steps = 0; pid > 0 && steps < kGenerationsMax; ++steps) {
        const auto process = see_process(view, pid);
        if (!process) return false;
        if (process->name.starts_with("windlass")) return true;
        pid = process->parent;
    }
    return false;
}

void check_processes(const DoctorView& view, Report& report) {
    for (const SeenProcess& process : lasting_processes(view, 'D', 1)) {
        look_at_stuck(view, process, report);
    }
    look_at_zombies(view, report);
    report.tell("processes.count", std::to_string(see_processes(view).size()));
}

}  // namespace windlass::cli
