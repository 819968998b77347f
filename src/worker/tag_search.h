// Ends all processes with a tag by a program of its own, because reading another process's
// environment waits for that one's memory map lock, and a process that hangs in the kernel may hold
// it for ever. What does not answer is given up. Thread: the loop's, which must be the main thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "io/timer.h"

namespace windlass::worker {

// The tag's variable and value; of all workers of a daemon when no generation is given.
std::string tag_of(const std::string& daemon_id, std::optional<std::uint64_t> generation);

struct HuntOutcome {
    std::size_t process_count = 0;   // that were killed
    bool is_everything_gone = true;  // false: one did not die in time, or nobody could look
    std::string failure = {};        // why the search did not see everything; empty: it did
};

struct TagSearchOrder {
    std::string executable;  // is run as `executable tag-search ...`
    std::string tag;         // of tag_of()
    int empty_passes = 2;    // in a row, that show that nobody is left
    base::Duration limit = std::chrono::seconds{2};
};

class TagSearch {
  public:
    // `on_over` comes once, from the loop, `limit` after start() at the latest. The search may be
    // destroyed within it.
    TagSearch(io::Loop& loop, TagSearchOrder order, std::function<void(HuntOutcome)> on_over);
    ~TagSearch();  // kills the program
    TagSearch(const TagSearch&) = delete;
    TagSearch& operator=(const TagSearch&) = delete;

    void start();

    // A process that the program has looked at for so long hangs. It is skipped from then on.
    static constexpr base::Duration kLookLimit = std::chrono::milliseconds{400};

  private:
    struct Program;

    void start_program();
    base::Result<void> spawn();
    void on_exit();
    void look_after();
    void try_again(std::string why);
    void finish(bool is_everything_gone);

    io::Loop& loop_;
    TagSearchOrder order_;
    std::function<void(HuntOutcome)> on_over_;
    std::unique_ptr<Program> program_;
    std::set<pid_t> victims_;
    std::set<pid_t> skipped_;
    std::string trouble_;
    io::Timer look_timer_;
    io::Timer retry_timer_;
    io::Timer limit_timer_;
};

// The hidden subcommand `windlass tag-search`; `arguments` are those after its name. Kills until
// so many passes in a row found nobody, then returns 0; 1 after a minute without success.
int run_tag_search(std::span<char* const> arguments);

}  // namespace windlass::worker
