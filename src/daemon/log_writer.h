// Writes the log from a thread of its own, so that a reader who does not read holds up nobody: what
// does not fit any more is dropped and counted. Thread: any may write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace windlass::daemon {

class LogWriter {
  public:
    static constexpr std::size_t kBacklogMax = 4 << 20;

    // `descriptor` stays open as long as the process; its flags are not touched, because it may be
    // shared with others. It should be a pipe, a terminal or a file.
    explicit LogWriter(int descriptor, std::size_t backlog_max = kBacklogMax);
    ~LogWriter();  // waits at most 1 s until everything is written
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    // Takes a line with its end. Never blocks.
    void write(std::string_view line);

    // How many lines were dropped since the last call; 0 as long as there is no room to tell.
    std::uint64_t take_lost();

  private:
    struct State;
    std::shared_ptr<State> state_;  // the thread's too: it may outlive us where the system hangs
};

}  // namespace windlass::daemon
