// What a worker that must be ended was doing: the state of its threads in the kernel, native and
// Python stacks. Taken by a program of its own (`windlass evidence PID`), because every look at a
// process that hangs may hang. Thread: the loop's, which must be the main thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/timer.h"

namespace windlass::worker {

struct ThreadEvidence {
    pid_t process = 0;
    pid_t thread = 0;
    std::string name = {};
    std::string state = {};         // "D": hangs in the kernel; proc(5)
    std::string wait_channel = {};  // the kernel's function that it waits in; empty: in none
    std::vector<std::string> kernel_stack = {};
    std::vector<std::string> native_stack = {};  // innermost first
};

struct Evidence {
    std::vector<ThreadEvidence> threads = {};
    std::vector<std::string> python_stacks = {};  // lines of faulthandler
    std::vector<std::string> missing = {};        // what could not be had, and why
    bool is_complete = false;                     // false: cut off at the limit
    base::Duration took = {};
};

struct EvidenceOrder {
    std::string executable;   // is run as `executable evidence ...`
    pid_t pid = 0;            // the worker's, which leads its session
    std::string python_file;  // where the worker's faulthandler writes to; need not be there
    base::Duration limit = std::chrono::seconds{2};
};

class EvidenceTaker {
  public:
    // `on_over` comes once, from the loop, `limit` after start() at the latest. The taker may be
    // destroyed within it.
    EvidenceTaker(io::Loop& loop, EvidenceOrder order, std::function<void(Evidence)> on_over);
    ~EvidenceTaker();  // kills the program
    EvidenceTaker(const EvidenceTaker&) = delete;
    EvidenceTaker& operator=(const EvidenceTaker&) = delete;

    void start();
    // Its limit is over now; `on_over` comes from the loop, soon.
    void give_up() { limit_timer_.start(base::Duration::zero()); }

    // What came so far: for a worker that died meanwhile.
    Evidence take_partial();

  private:
    struct Program;

    base::Result<void> spawn();
    void read_line(std::string_view line);
    void finish(bool is_complete);

    io::Loop& loop_;
    EvidenceOrder order_;
    std::function<void(Evidence)> on_over_;
    std::unique_ptr<Program> program_;
    Evidence evidence_;
    std::size_t size_left_ = 256 << 10;  // bytes of text
    bool is_cut_ = false;
    base::Instant started_{};
    io::Timer limit_timer_;
};

// Where in its private TMPDIR a worker that can tell its Python stacks has a file for them.
std::string python_stacks_file(const std::string& temporary_dir);

// The hidden subcommand `windlass evidence PID PYTHON_FILE`; `arguments` are those after its name.
// Writes what it finds to its stdout as it comes, so that what hangs costs only itself.
int run_evidence(std::span<char* const> arguments);

}  // namespace windlass::worker
