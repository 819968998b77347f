// Workers, by the tag in their environment, and what dead daemons have left. Reading the
// environment of a process that hangs may hang as well: the processes alone are another check.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"
#include "cli/doctor_processes.h"
#include "io/read_file.h"
#include "worker/cgroup.h"
#include "worker/daemon_record.h"
#include "worker/leftovers.h"

namespace windlass::cli {
namespace {

constexpr int kParentsMax = 64;

// "1f0.../7" of WINDLASS_WORKER=1f0.../7; empty: it is no worker, or may not be looked at.
std::string tag_in(const DoctorView& view, int pid) {
    const std::string all = '\0' + read_text_file(view, fmt::format("/proc/{}/environ", pid));
    const std::string key = '\0' + std::string{"WINDLASS_WORKER="};
    const std::size_t at = all.find(key);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + key.size();
    return all.substr(begin, all.find('\0', begin) - begin);
}

std::string daemon_of(const std::string& tag) { return tag.substr(0, tag.find('/')); }

struct TaggedProcess {
    SeenProcess process;
    std::string tag;
};

std::vector<TaggedProcess> see_workers(const DoctorView& view) {
    std::vector<TaggedProcess> workers;
    for (const SeenProcess& process : see_processes(view)) {
        std::string tag = tag_in(view, process.pid);
        if (worker::is_daemon_id(daemon_of(tag))) workers.push_back({process, std::move(tag)});
    }
    return workers;
}

// The daemon is the first one above it that does not have its tag: it adopts what a worker leaves.
bool has_daemon(const DoctorView& view, const TaggedProcess& worker) {
    int pid = worker.process.parent;
    for (int steps = 0; pid > 1 && steps < kParentsMax; ++steps) {
        const auto above = see_process(view, pid);
        if (!above) return false;
        if (daemon_of(tag_in(view, pid)) != daemon_of(worker.tag)) {
            return above->name.starts_with("windlass");
        }
        pid = above->parent;
    }
    return pid == 1 && see_process(view, 1).value_or(SeenProcess{}).name.starts_with("windlass");
}

// The folder of its cgroup where that is frozen; empty: it is not.
std::string frozen_folder(const DoctorView& view, int pid) {
    const std::string groups = read_text_file(view, fmt::format("/proc/{}/cgroup", pid));
    const auto unified =
        worker::find_own_cgroup(groups, read_text_file(view, "/proc/self/mountinfo"));
    if (unified && read_text_file(view, *unified + "/cgroup.events").contains("frozen 1")) {
        return *unified;
    }
    for (const std::string_view line : lines_of(groups)) {
        const std::size_t at = line.find(":freezer:");
        if (at == std::string_view::npos) continue;
        const std::string folder = fmt::format(
            "/sys/fs/cgroup/freezer{}", line.substr(at + std::string_view{":freezer:"}.size()));
        if (read_text_file(view, folder + "/freezer.state").starts_with("FROZEN")) return folder;
    }
    return {};
}

// Empty: all is well with it.
struct Trouble {
    FindingKind kind = FindingKind::check_failed;
    std::string evidence;

    friend bool operator==(const Trouble&, const Trouble&) = default;
};

std::vector<Trouble> troubles_of(const DoctorView& view) {
    std::vector<Trouble> troubles;
    for (const TaggedProcess& worker : see_workers(view)) {
        if (worker.process.state == 'Z') continue;
        const std::string who =
            fmt::format("{}, worker {}", to_text(worker.process), one_line(worker.tag));
        if (!has_daemon(view, worker)) {
            troubles.push_back({FindingKind::worker_of_dead_daemon, who});
        }
        if (worker.process.state == 'T') troubles.push_back({FindingKind::worker_stopped, who});
        if (const std::string folder = frozen_folder(view, worker.process.pid); !folder.empty()) {
            troubles.push_back({FindingKind::worker_frozen, fmt::format("{}: {}", who, folder)});
        }
    }
    return troubles;
}

bool is_alive(const DoctorView& view, const io::ProcessIdentity& identity) {
    const auto process = see_process(view, identity.pid);
    return process && process->start_ticks == identity.start_ticks && process->state != 'Z';
}

// Numbers of another namespace of this start of the machine tell nothing here.
bool is_dead(const DoctorView& view, const worker::DaemonRecord& record) {
    const std::string here = io::pid_space();
    if (record.pid_space == here) return !is_alive(view, record.daemon);
    return record.pid_space.substr(0, record.pid_space.find('/')) != here.substr(0, here.find('/'));
}

std::vector<Trouble> leftovers_of(const DoctorView& view, const std::string& run_folder) {
    constexpr std::size_t kSeenRecordMax = 16 << 20;
    std::vector<Trouble> left;
    DoctorView real = view;
    real.root.clear();  // the state folder is none of the tree's
    for (const std::string& name : names_in(real, run_folder)) {
        if (!worker::is_daemon_id(name)) continue;
        const std::string folder = fmt::format("{}/{}", run_folder, name);
        const auto text = io::read_file(worker::record_path(folder), kSeenRecordMax);
        if (!text) continue;
        worker::DaemonRecordReader reader;
        reader.feed(*text);
        const worker::DaemonRecord& record = reader.record();
        if (record.daemon_id != name || !is_dead(view, record)) continue;
        left.push_back({FindingKind::leftovers_of_dead_daemon,
                        fmt::format("{}: its daemon was process {}", folder, record.daemon.pid)});
    }
    return left;
}

}  // namespace

void check_workers(const DoctorView& view, Report& report) {
    const std::string run_folder = read_plan(view).configuration.daemon.state_dir + "/run";
    const auto look = [&] {
        std::vector<Trouble> troubles = leftovers_of(view, run_folder);
        const std::vector<Trouble> more = troubles_of(view);
        troubles.insert(troubles.end(), more.begin(), more.end());
        return troubles;
    };
    const std::vector<Trouble> first = look();
    report.tell("workers.count", std::to_string(see_workers(view).size()));
    if (first.empty()) return;
    // What a keeper is about to clear up is no trouble.
    view.pause(2 * kSecondLook);
    const std::vector<Trouble> second = look();
    for (const Trouble& trouble : second) {
        if (std::ranges::count(first, trouble) > 0) report.add(trouble.kind, trouble.evidence);
    }
}

}  // namespace windlass::cli
