// Child processes: started with posix_spawn, watched through a pidfd, ended by group, reaped by pid
// and never by "any child". Thread: the main thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/readiness.h"
#include "io/timer.h"

namespace windlass::io {

struct SpawnOrder {
    struct Inherit {
        int ours = -1;    // must stay open until spawn() returns
        int theirs = -1;  // the number that the child finds it under; 0 to 9
    };

    std::string executable;  // a path; not looked up in PATH
    std::vector<std::string> argv;
    std::vector<std::string> environment;  // NAME=value; all that the child has
    // All that the child has, besides /dev/null as stdin and our stdout and stderr where they are
    // not among them.
    std::vector<Inherit> descriptors;
    // From its first moment no signal reaches it that can be blocked.
    bool is_deaf = false;
};

// Exactly one of the two is given.
struct ExitStatus {
    std::optional<int> code;
    std::optional<int> signal;
};

// "exited with status 1", "was killed by signal 11 (SIGSEGV)".
std::string to_text(const ExitStatus& status);

// A child that leads a session and process group of its own, with default signal handlers and, if
// it is not to be deaf, no signal blocked. Its pid, and its group's, stay its own until reap(),
// however long it is dead.
class Process {
  public:
    // Blocks until the child has executed (about 0.1 ms; measured). `on_exit` comes once from the
    // loop when the child is dead but not reaped; the Process may be destroyed within it. While a
    // debugger holds on to a dead child, `on_exit` waits until it lets go. Must be
    // called on the main thread, because the parent-death signal of a child comes when the thread
    // ends that spawned it. Errors as in system_error().
    static base::Result<std::unique_ptr<Process>> spawn(Loop& loop, const SpawnOrder& order,
                                                        std::function<void()> on_exit);
    // What was not reaped or abandoned is killed, and reaped if it is gone already; it never waits.
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    pid_t pid() const { return pid_; }

    // To every process of its group. No effect after reap().
    void signal_group(int signal) const;

    // Blocks until it is dead, for `limit` at most; whether it is. For the end of a program, when
    // the loop does not turn any more; reap() may follow.
    bool wait_for_exit(base::Duration limit) const;

    // Once, after on_exit or wait_for_exit().
    ExitStatus reap();

    // Lets it live on when this object goes. For the end of a program.
    void abandon() { give_up(); }

  private:
    Process(Loop& loop, pid_t pid, FileDescriptor pidfd, std::function<void()> on_exit);

    bool can_be_reaped() const;
    void report_if_dead();
    void give_up();

    pid_t pid_;
    Readiness pidfd_;
    Timer look_again_;
    std::function<void()> on_exit_;
    bool is_reaped_ = false;
};

// Whether a Process of this program holds that child: it will be reaped by its owner.
bool is_held(pid_t pid);

}  // namespace windlass::io
