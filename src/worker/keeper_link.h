// The daemon's end of its keeper: starts it, tells it about workers, and starts another one when it
// ends. Thread: the loop's, which must be the main thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "io/file_descriptor.h"
#include "io/process.h"
#include "io/timer.h"
#include "worker/daemon_record.h"

namespace windlass::worker {

struct KeeperStarted {
    pid_t pid = 0;
};
// It is not there; another one is started after `retry_after`.
struct KeeperLost {
    std::optional<pid_t> pid;  // none: it could not be started
    std::string why;
    base::Duration retry_after{};
};
// The record in the daemon's folder could not be written: should the keeper die too, the next start
// knows the daemon's id, but not its workers.
struct RecordFailed {
    base::Error error;
};
using KeeperEvent = std::variant<KeeperStarted, KeeperLost, RecordFailed>;

// How it ended with the keeper, at the end of the daemon.
enum class KeeperEnd : std::uint8_t {
    done,     // nothing is left
    late,     // it is still at it, and lives on until it is done
    missing,  // there was none to look whether anything is left
};

class KeeperLink {
  public:
    // `executable` is run as `executable keeper`. `on_event` comes from start(), from the loop, or
    // from add() and remove().
    KeeperLink(io::Loop& loop, DaemonRecord record, std::string executable,
               std::function<void(const KeeperEvent&)> on_event);
    // Kills the keeper if finish() was not called.
    ~KeeperLink();
    KeeperLink(const KeeperLink&) = delete;
    KeeperLink& operator=(const KeeperLink&) = delete;

    void start();

    // A worker was started, and is not reaped yet; it was reaped, and nothing of it is left.
    void add(std::uint64_t generation, pid_t pid);
    void remove(std::uint64_t generation);

    std::optional<pid_t> pid() const;

    // At the daemon's end: lets the keeper look whether anything is left, and waits for its end, so
    // that it is nobody's zombie. Blocks for `limit` at most. Where start() was not called there
    // can be nothing left.
    KeeperEnd finish(base::Duration limit);

  private:
    base::Result<void> spawn();
    void tell(const std::string& lines);
    void on_exit();
    void lose(std::optional<pid_t> pid, std::string why);
    void note();  // in the daemon's folder

    io::Loop& loop_;
    DaemonRecord record_;
    std::string executable_;
    std::function<void(const KeeperEvent&)> on_event_;
    // Closed only after the keeper is dead, or at the daemon's end: it takes that for our death.
    io::FileDescriptor channel_;
    std::unique_ptr<io::Process> process_;
    bool was_asked_for_ = false;
    base::Instant started_{};
    base::Duration pause_{};
    io::Timer restart_;
};

}  // namespace windlass::worker
