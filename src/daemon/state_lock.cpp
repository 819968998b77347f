// flock(2) on a file that says who holds it. The file stays: to remove it would let a third daemon
// lock a new one while a second waits for the old.
#include "daemon/state_lock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "io/process_identity.h"
#include "io/read_file.h"

namespace windlass::daemon {
namespace {

namespace fs = std::filesystem;

// A daemon that was just killed holds its files for a moment: until its exit is through, or until
// the worker that it was about to start has executed.
constexpr int kDyingPolls = 100;
constexpr int kDyingPollMs = 10;

base::Error cannot_make(const std::string& path, const std::string& why) {
    return base::fail(
        base::Errc::permission_denied,
        fmt::format("cannot make {}: {}; set state_dir under [daemon] to a folder that may "
                    "be written to",
                    path, why));
}

// The file says "PID START" of who locked it last.
std::optional<io::ProcessIdentity> read_holder(const std::string& path) {
    const std::string text = io::read_file(path, 64).value_or("");
    io::ProcessIdentity holder;
    const char* const end = text.data() + text.size();
    const auto pid = std::from_chars(text.data(), end, holder.pid);
    if (pid.ec != std::errc{} || pid.ptr == end) return std::nullopt;
    const auto start = std::from_chars(pid.ptr + 1, end, holder.start_ticks);
    if (start.ec != std::errc{}) return std::nullopt;
    return holder;
}

base::Error held_by_another(const std::string& state_dir, const std::string& path) {
    const auto holder = read_holder(path);
    const std::string who = holder ? fmt::format("another daemon (process {}) uses", holder->pid)
                                   : std::string{"another daemon uses"};
    return base::fail(base::Errc::conflict,
                      fmt::format("{} the state folder {}; stop it first, or give this one a "
                                  "folder of its own with state_dir under [daemon] or --state-dir",
                                  who, state_dir));
}

// 0, or the errno.
int lock(int file, const std::string& path) {
    for (int tries = 0;; ++tries) {
        if (::flock(file, LOCK_EX | LOCK_NB) == 0) return 0;
        if (errno != EWOULDBLOCK && errno != EINTR) return errno;
        const auto holder = read_holder(path);
        if (tries == kDyingPolls || (holder && io::is_running(*holder))) return EWOULDBLOCK;
        ::poll(nullptr, 0, kDyingPollMs);  // flock(2) has no time limit of its own
    }
}

}  // namespace

base::Result<StateLock> StateLock::take(const std::string& state_dir) {
    std::error_code failed;
    fs::create_directories(state_dir, failed);
    if (failed) return cannot_make("the folder " + state_dir, failed.message());
    const std::string path = state_dir + "/lock";
    io::FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!file) return cannot_make(path, std::generic_category().message(errno));
    // flock(2) asks for no more than a descriptor: whoever may read the file could hold it.
    ::fchmod(file.number(), 0600);
    const int errno_value = lock(file.number(), path);
    if (errno_value == EWOULDBLOCK) return held_by_another(state_dir, path);
    if (errno_value != 0) return io::system_error(errno_value, "locking " + path);
    const auto self = io::find_identity(::getpid());
    const std::string text =
        fmt::format("{} {}\n", ::getpid(), self ? self->start_ticks : std::uint64_t{0});
    if (::ftruncate(file.number(), 0) != 0 ||
        ::write(file.number(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return io::system_error(errno, "writing " + path);
    }
    return StateLock{std::move(file)};
}

}  // namespace windlass::daemon
