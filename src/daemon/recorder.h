// `serve --record`: what the engine hears and says, into a file, for `windlass replay`. Nothing of
// it hurts the daemon: what the disk does not take ends the recording, never a turn. Thread: main.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "core/engine.h"
#include "io/file_thread.h"
#include "recording/writer.h"

namespace windlass::daemon {

struct RecorderOptions {
    std::string path;  // a file that is there is kept: then its name with .1, ... is taken
    base::Bytes limit;
};

class Recorder {
  public:
    // What may wait here for a slow disk; its thread has as much, and writes as much, at most.
    static constexpr std::size_t kBacklogMax = 16 << 20;

    // Errors: the file cannot be made. Null: there are so many earlier recordings of that name that
    // nothing is recorded, as the log says. There is one recorder at a time.
    static base::Result<std::unique_ptr<Recorder>> open(const RecorderOptions& options,
                                                        recording::Origin origin);
    // Waits at most 1 s until everything is written. Before the first turn has ended the daemon did
    // not start: then no file is left.
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // In place of the engine's own handle(). What that throws is a failed assertion.
    void handle(core::Engine& engine, const core::Event& event, core::Instant now,
                core::Commands& out);

    // What was decided is on its way to the file. A daemon that is killed loses what its disk has
    // not taken yet: its last turn, as a rule.
    void end_turn();

  private:
    Recorder(io::FileDescriptor file, std::string path, base::Bytes limit,
             const recording::Head& head);

    void stop(const std::string& why);  // and tell
    bool give_all();                    // and wait; false: not all is written

    const std::string path_;
    const std::uint64_t limit_;
    recording::Writer writer_;
    io::FileThread thread_;
    std::uint64_t given_ = 0;  // bytes, to the thread
    bool has_turned_ = false;  // the daemon runs
    bool is_over_ = false;     // nothing more is recorded; what is pending may still go out
};

}  // namespace windlass::daemon
