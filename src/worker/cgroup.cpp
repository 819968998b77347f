// The files of cgroup v2.
#include "worker/cgroup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>

#include "io/file_descriptor.h"
#include "io/read_file.h"

namespace windlass::worker {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTextMax = 1 << 20;
constexpr std::string_view kFolderPrefix = "windlass-";

bool write_to(const std::string& path, std::string_view text) {
    const io::FileDescriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    return file &&
           ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string_view take_until(std::string_view& text, char end) {
    const std::size_t at = text.find(end);
    const std::string_view piece = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return piece;
}

// mountinfo writes space, tab, line feed and backslash as three octal digits (proc(5)).
std::string unescape_octal(std::string_view text) {
    std::string path;
    for (std::size_t at = 0; at < text.size(); ++at) {
        int byte = 0;
        const bool is_escape =
            text[at] == '\\' && at + 3 < text.size() &&
            std::from_chars(text.data() + at + 1, text.data() + at + 4, byte, 8).ptr ==
                text.data() + at + 4;
        path += is_escape ? static_cast<char>(byte) : text[at];
        if (is_escape) at += 3;
    }
    return path;
}

struct Mount {
    std::string root;   // what of the file system is mounted
    std::string point;  // where
};

// The line: id, parent, device, root, point, options, optional fields, "-", type, ...
std::optional<Mount> find_cgroup_mount(std::string_view mountinfo) {
    while (!mountinfo.empty()) {
        std::string_view line = take_until(mountinfo, '\n');
        const std::size_t dash = line.find(" - ");
        if (dash == std::string_view::npos) continue;
        if (!line.substr(dash + 3).starts_with("cgroup2 ")) continue;
        for (int skipped = 0; skipped < 3; ++skipped) take_until(line, ' ');
        const std::string root = unescape_octal(take_until(line, ' '));
        return Mount{.root = root, .point = unescape_octal(take_until(line, ' '))};
    }
    return std::nullopt;
}

std::vector<std::string> leaves_of(const std::string& path) {
    std::vector<std::string> leaves;
    std::error_code ended;
    for (fs::directory_iterator at{path, ended}; !ended && at != fs::directory_iterator{};
         at.increment(ended)) {
        std::error_code unknown;
        if (at->is_directory(unknown)) leaves.push_back(at->path().string());
    }
    return leaves;
}

}  // namespace

std::optional<std::string> find_own_cgroup(std::string_view self_cgroup,
                                           std::string_view mountinfo) {
    const std::optional<Mount> mount = find_cgroup_mount(mountinfo);
    if (!mount) return std::nullopt;
    while (!self_cgroup.empty()) {
        std::string_view path = take_until(self_cgroup, '\n');
        if (!path.starts_with("0::/")) continue;  // version 1 has other numbers
        path.remove_prefix(3);
        if (path.contains("/..")) return std::nullopt;  // outside of our cgroup namespace
        if (mount->root != "/") {
            if (!path.starts_with(mount->root)) return std::nullopt;
            path.remove_prefix(mount->root.size());
            if (!path.empty() && path.front() != '/') return std::nullopt;
        }
        return mount->point + std::string{path == "/" ? "" : path};
    }
    return std::nullopt;
}

base::Result<std::string> find_daemon_cgroup_path(const std::string& daemon_id) {
    const auto own = find_own_cgroup(io::read_file("/proc/self/cgroup", kTextMax).value_or(""),
                                     io::read_file("/proc/self/mountinfo", kTextMax).value_or(""));
    if (!own) return base::fail(base::Errc::unsupported, "no cgroup v2 is mounted here");
    // Moving a process asks for the right to write here too, the common ancestor of both places.
    if (::access((*own + "/cgroup.procs").c_str(), W_OK) != 0) {
        return io::system_error(errno, "moving processes from the cgroup " + *own);
    }
    return fmt::format("{}/{}{}", *own, kFolderPrefix, daemon_id);
}

base::Result<void> make_daemon_cgroup(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) != 0) return io::system_error(errno, "making " + path);
    // So that leaves have a limit of their own. Forbidden where processes are in the folder above,
    // as those of a service of systemd are: then memory is measured instead.
    for (const std::string& folder : {fs::path{path}.parent_path().string(), path})
        static_cast<void>(write_to(folder + "/cgroup.subtree_control", "+memory"));
    const std::string leaf = worker_cgroup(path, 0);
    const bool is_made = make_worker_cgroup(leaf);
    const std::string type = io::read_file(leaf + "/cgroup.type", 64).value_or("");
    if (is_made && type == "domain\n") {
        ::rmdir(leaf.c_str());
        return {};
    }
    remove_cgroup(path);
    return base::fail(base::Errc::unsupported,
                      "no cgroup with processes in it can be made in " + path);
}

bool is_daemon_cgroup(const std::string& path, const std::string& daemon_id) {
    return fs::path{path}.is_absolute() &&
           fs::path{path}.filename() == fmt::format("{}{}", kFolderPrefix, daemon_id);
}

std::string worker_cgroup(const std::string& daemon_cgroup, std::uint64_t generation) {
    return fmt::format("{}/{}", daemon_cgroup, generation);
}

bool make_worker_cgroup(const std::string& path) { return ::mkdir(path.c_str(), 0755) == 0; }

bool limit_cgroup_memory(const std::string& path, base::Bytes limit) {
    if (!write_to(path + "/memory.max", std::to_string(limit.count()))) return false;
    // Each of these is a refinement, which a kernel without swap or an older one may lack.
    static_cast<void>(write_to(path + "/memory.swap.max", "0"));
    static_cast<void>(write_to(path + "/memory.oom.group", "1"));
    return true;
}

std::optional<CgroupMemory> read_cgroup_memory(const std::string& path) {
    const auto events = io::read_file(path + "/memory.events", kTextMax);
    if (!events) return std::nullopt;
    CgroupMemory memory;
    std::string_view rest{*events};
    while (!rest.empty()) {
        std::string_view line = take_until(rest, '\n');
        const std::string_view name = take_until(line, ' ');
        std::uint64_t count = 0;
        std::from_chars(line.data(), line.data() + line.size(), count);
        if (name == "oom_kill") memory.kills = count;
        if (name == "max") memory.limit_hits = count;
    }
    if (const auto peak = io::read_file(path + "/memory.peak", kTextMax)) {
        std::uint64_t bytes = 0;
        const auto read = std::from_chars(peak->data(), peak->data() + peak->size(), bytes);
        if (read.ec == std::errc{}) memory.peak = base::Bytes{bytes};
    }
    return memory;
}

bool join_cgroup(const char* path) {
    const int folder = ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return false;
    const int file = ::openat(folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    ::close(folder);
    if (file < 0) return false;
    const bool is_in = ::write(file, "0", 1) == 1;  // 0: the writer itself
    ::close(file);
    return is_in;
}

bool is_in_cgroup(int pid, const std::string& path) {
    const auto text = io::read_file(fmt::format("/proc/{}/cgroup", pid), kTextMax);
    // Only the end is compared: the beginning depends on namespaces and mounts.
    const fs::path leaf{path};
    const std::string end =
        fmt::format("/{}/{}\n", leaf.parent_path().filename().string(), leaf.filename().string());
    return text && text->contains(end);
}

std::vector<int> processes_of_cgroup(const std::string& path) {
    std::vector<int> pids;
    std::vector<std::string> folders = leaves_of(path);
    folders.push_back(path);
    for (const std::string& folder : folders) {
        const std::string text = io::read_file(folder + "/cgroup.procs", kTextMax).value_or("");
        std::string_view rest{text};
        while (!rest.empty()) {
            const std::string_view line = take_until(rest, '\n');
            int pid = 0;
            std::from_chars(line.data(), line.data() + line.size(), pid);
            if (pid > 0) pids.push_back(pid);  // 0: of another PID namespace
        }
    }
    return pids;
}

bool is_populated(const std::string& path) {
    const auto events = io::read_file(path + "/cgroup.events", kTextMax);
    if (!events) return errno != ENOENT && errno != ENODEV;  // gone, or it cannot be known
    return events->contains("populated 1");
}

void kill_cgroup(const std::string& path) {
    if (write_to(path + "/cgroup.kill", "1")) return;
    for (const int pid : processes_of_cgroup(path)) ::kill(pid, SIGKILL);
}

bool remove_cgroup(const std::string& path) {
    for (const std::string& leaf : leaves_of(path)) ::rmdir(leaf.c_str());
    return ::rmdir(path.c_str()) == 0 || errno == ENOENT;
}

}  // namespace windlass::worker
