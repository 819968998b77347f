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
    // What waits for a slow disk at most; twice that for a moment.
    static constexpr std::size_t kBacklogMax = 16 << 20;

    // Errors: the file cannot be made. There is one recorder at a time.
    static base::Result<std::unique_ptr<Recorder>> open(const RecorderOptions& options,
                                                        recording::Origin origin);
    ~Recorder();  // waits at most 1 s until everything is written
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // In place of the engine's own handle().
    void handle(core::Engine& engine, const core::Event& event, core::Instant now,
                core::Commands& out);

    // What the turn has led to is on its way to the file. A daemon that is killed loses no more
    // than its last turn, and nothing by a failed assertion.
    void end_turn();

  private:
    Recorder(io::FileDescriptor file, std::string path, base::Bytes limit,
             const recording::Head& head);

    void stop(const std::string& why);  // and tell
    void give_all();                    // and wait until it is written

    const std::string path_;
    const std::uint64_t limit_;
    recording::Writer writer_;
    io::FileThread thread_;
    std::uint64_t given_ = 0;  // bytes, to the thread
    bool is_over_ = false;     // nothing more is recorded; what is pending may still go out
};

}  // namespace windlass::daemon
