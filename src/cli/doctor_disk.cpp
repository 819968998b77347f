// The disk of the state folder, which what is durable waits for.
#include <fmt/core.h>
#include <linux/magic.h>
#include <unistd.h>

#include <algorithm>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"

namespace windlass::cli {
namespace {

using namespace std::chrono_literals;

constexpr base::Bytes kFreeMin{std::uint64_t{64} << 20};
constexpr std::uint64_t kInodesMin = 1000;
// A turning disk takes 10 to 30 ms, a busy one 100.
constexpr base::Duration kSlowSync = 300ms;
// The quickest disks with capacitors take 10 us and more, system call included.
constexpr base::Duration kFastSync = 5us;

struct NamedType {
    std::uint64_t type;
    std::string_view name;
};
// Of linux/magic.h, and of kernel sources where it lacks one (fs/ceph/super.h).
constexpr auto kNetworkTypes = std::to_array<NamedType>({{NFS_SUPER_MAGIC, "nfs"},
                                                         {SMB_SUPER_MAGIC, "smb"},
                                                         {0xFF534D42, "cifs"},
                                                         {0xFE534D42, "smb2"},
                                                         {FUSE_SUPER_MAGIC, "fuse"},
                                                         {V9FS_MAGIC, "9p"},
                                                         {0x00C36400, "ceph"},
                                                         {AFS_SUPER_MAGIC, "afs"}});

// The options of the mount that the folder is on: the longest mount point that begins its path.
std::string mount_line(const DoctorView& view, const std::string& folder) {
    const std::string mounts = read_text_file(view, "/proc/mounts");
    std::string found;
    std::size_t longest = 0;
    for (const std::string_view line : lines_of(mounts)) {
        const std::size_t begin = line.find(' ') + 1;
        const std::size_t end = line.find(' ', begin);
        if (begin == 0 || end == std::string_view::npos) continue;
        const std::string_view point = line.substr(begin, end - begin);
        const bool is_above =
            point == "/" || (folder.starts_with(point) &&
                             (folder.size() == point.size() || folder[point.size()] == '/'));
        if (!is_above || point.size() < longest) continue;
        longest = point.size();
        found = line;
    }
    return found;
}

void look_for_lies(const DoctorView& view, const std::string& folder, Report& report) {
    const std::string mount = mount_line(view, folder);
    for (const std::string_view option : {"nobarrier", "barrier=0"}) {
        if (!mount.contains(option)) continue;
        report.add(FindingKind::disk_lies,
                   fmt::format("mounted with `{}`: {}", option, one_line(mount)));
    }
    const auto preload = view.environment.find("LD_PRELOAD");
    if (preload != view.environment.end() && preload->second.contains("eatmydata")) {
        report.add(FindingKind::disk_lies,
                   fmt::format("LD_PRELOAD is {}", one_line(preload->second)));
    }
}

void look_at_room(const FileSystemNumbers& numbers, const std::string& folder, Report& report) {
    report.tell("disk.free", base::to_text(numbers.free));
    if (numbers.free < kFreeMin) {
        report.add(FindingKind::disk_full,
                   fmt::format("{} is on a file system of {} with {} free", folder,
                               base::to_text(numbers.size), base::to_text(numbers.free)));
    }
    if (numbers.inodes > 0 && numbers.inodes_free < kInodesMin) {
        report.add(FindingKind::inodes_exhausted,
                   fmt::format("{} is on a file system with {} of {} inodes free", folder,
                               numbers.inodes_free, numbers.inodes));
    }
}

// Whether its speed tells anything.
bool look_at_type(std::uint64_t type, const std::string& folder, Report& report) {
    if (type == TMPFS_MAGIC || type == RAMFS_MAGIC) {
        report.add(FindingKind::state_on_tmpfs, folder + " is on a tmpfs");
        return false;
    }
    const auto* const remote = std::ranges::find(kNetworkTypes, type, &NamedType::type);
    if (remote != kNetworkTypes.end()) {
        report.add(FindingKind::state_on_network,
                   fmt::format("{} is on a file system of the kind {}", folder, remote->name));
    }
    return true;
}

void look_at_speed(const DoctorView& view, const std::string& folder, Report& report) {
    auto times = view.sync_times(folder);
    if (!times || times->empty()) return;  // the permissions are another check's
    std::ranges::sort(*times);
    const base::Duration median = (*times)[times->size() / 2];
    const std::string text =
        fmt::format("4 KiB were safe after {} us (the median of {})", median / 1us, times->size());
    report.tell("disk.sync", text);
    if (median >= kSlowSync) report.add(FindingKind::disk_slow, text + " in " + folder);
    if (median <= kFastSync) report.add(FindingKind::disk_fast, text + " in " + folder);
}

}  // namespace

void check_disk(const DoctorView& view, Report& report) {
    const std::string state_dir = read_plan(view).configuration.daemon.state_dir;
    const std::string folder = nearest_folder(state_dir);
    report.tell("disk.state_dir", one_line(state_dir));
    look_for_lies(view, folder, report);
    const auto numbers = view.file_system(folder);
    if (!numbers) return;
    look_at_room(*numbers, folder, report);
    const bool is_disk = look_at_type(numbers->type, folder, report);
    if (is_disk && view.may(folder, W_OK)) look_at_speed(view, folder, report);
}

}  // namespace windlass::cli
