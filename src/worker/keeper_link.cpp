// Spawning and telling the keeper.
#include "worker/keeper_link.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "io/loop.h"
#include "worker/environment.h"
#include "worker/keeper.h"
#include "worker/leftovers.h"

namespace windlass::worker {
namespace {

using namespace std::chrono_literals;

// The first one that ends is replaced at once. What kills every one of them, a machine without
// memory or processes to spare, is not made worse by a tight loop.
constexpr base::Duration kPauseFirst = 100ms;
constexpr base::Duration kPauseMax = 30s;
// Who lived that long did not die of its start.
constexpr base::Duration kSoundLife = 10s;

}  // namespace

KeeperLink::KeeperLink(io::Loop& loop, DaemonRecord record, std::string executable,
                       std::function<void(const KeeperEvent&)> on_event)
    : loop_(loop),
      record_(std::move(record)),
      executable_(std::move(executable)),
      on_event_(std::move(on_event)),
      restart_(loop, [this] { start(); }) {}

// ~Process kills what is left, and only then the channel closes.
KeeperLink::~KeeperLink() { process_.reset(); }

void KeeperLink::start() {
    was_asked_for_ = true;
    note();
    if (const base::Result<void> spawned = spawn(); !spawned) {
        return lose(std::nullopt, spawned.error().message);
    }
    started_ = loop_.now();
    tell(encode(record_));
    on_event_(KeeperStarted{.pid = process_->pid()});
}

base::Result<void> KeeperLink::spawn() {
    io::SocketPair pair = WL_TRY(io::make_socket_pair());
    // Not our stderr: whoever reads that (a pager, a service manager, a test) must see its end when
    // the daemon is dead, not when everything is cleared up. What the keeper could say, the next
    // start says.
    const io::FileDescriptor nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    if (!nowhere) return io::system_error(errno, "opening /dev/null");
    const io::SpawnOrder order{
        .executable = executable_,
        .argv = {"windlass", "keeper"},
        .environment = own_environment(),
        .descriptors = {{.ours = nowhere.number(), .theirs = 1},
                        {.ours = nowhere.number(), .theirs = 2},
                        {.ours = pair.theirs.number(), .theirs = kKeeperDescriptor}},
        // A terminal's or a service manager's signals reach the whole session or cgroup, and the
        // keeper has to be there when the daemon is not any more.
        .is_deaf = true};
    process_ = WL_TRY(io::Process::spawn(loop_, order, [this] { on_exit(); }));
    channel_ = std::move(pair.ours);
    return {};
}

void KeeperLink::add(std::uint64_t generation, pid_t pid) {
    // It is our child and not reaped, so that the number is still its own.
    const auto identity = io::find_identity(pid);
    if (!identity) {
        return on_event_(RecordFailed{
            .error = base::fail(base::Errc::internal,
                                fmt::format("/proc/{}/stat of a worker that was just "
                                            "started cannot be read; is /proc mounted?",
                                            pid))});
    }
    record_.workers[generation] = *identity;
    tell(encode_added(generation, *identity));
    note();
}

void KeeperLink::remove(std::uint64_t generation) {
    if (record_.workers.erase(generation) == 0) return;
    tell(encode_removed(generation));
    note();
}

// The socket takes 200 KiB (net.core.wmem_default), and the keeper reads at once: one that does not
// take some lines is stopped or dead. It is killed, and its end starts the next one.
void KeeperLink::tell(const std::string& lines) {
    if (!process_) return;
    const ssize_t sent =
        ::send(channel_.number(), lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(lines.size())) process_->signal_group(SIGKILL);
}

std::optional<pid_t> KeeperLink::pid() const {
    if (!process_) return std::nullopt;
    return process_->pid();
}

void KeeperLink::on_exit() {
    const pid_t pid = process_->pid();
    const std::string how = io::to_text(process_->reap());
    process_.reset();
    channel_.reset();
    if (loop_.now() - started_ >= kSoundLife) pause_ = base::Duration::zero();
    lose(pid, how);
}

void KeeperLink::lose(std::optional<pid_t> pid, std::string why) {
    on_event_(KeeperLost{.pid = pid, .why = std::move(why), .retry_after = pause_});
    restart_.start(pause_);
    pause_ = std::clamp(2 * pause_, kPauseFirst, kPauseMax);
}

KeeperEnd KeeperLink::finish(base::Duration limit) {
    restart_.stop();
    if (!process_) return was_asked_for_ ? KeeperEnd::missing : KeeperEnd::done;
    channel_.reset();
    const bool has_ended = process_->wait_for_exit(limit);
    has_ended ? void(process_->reap()) : process_->abandon();
    process_.reset();
    return has_ended ? KeeperEnd::done : KeeperEnd::late;
}

void KeeperLink::note() {
    if (const base::Result<void> written = write_record(record_); !written) {
        on_event_(RecordFailed{.error = written.error()});
    }
}

}  // namespace windlass::worker
