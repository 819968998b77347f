// The worker's end of the socket to the daemon: a thread that beats, writes what others could not
// write without blocking, and reads unless the thread that runs does (reader_role.h). Knows frames
// as such, not what they mean to a model.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>

#include "base/result.h"
#include "sdk/outbox.h"
#include "sdk/reader_role.h"
#include "wire/frame.h"

namespace windlass::sdk {

inline constexpr int kRestingPace = 600;

struct ChannelHandlers {
    // In the thread that reads. Must not block. An error ends the channel.
    std::function<base::Result<void>(wire::Frame)> on_frame;
    // In the channel's thread, once, unless finish() comes first. May block. Without an error it
    // was an orderly end of the stream.
    std::function<void(const std::optional<base::Error>&)> on_end;
    // Somebody wrote to `wake_descriptor`. In the channel's thread, and also in one that is in
    // read_while() then. Must not block.
    std::function<void()> on_wake;
    // Everything that was asked is answered: it beats a kRestingPace-th as often, so that a
    // thousand idle workers are no work for their daemon. In the channel's thread. Empty: it never
    // rests.
    std::function<bool()> is_resting;
};

class Channel {
  public:
    // `descriptor`, a stream socket, is closed by the destructor; `wake_descriptor` is an eventfd.
    Channel(int descriptor, int wake_descriptor);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    void start(ChannelHandlers handlers);

    // Sets the limit for bodies and begins to beat. For on_frame, before any read_while().
    void configure(std::uint32_t body_size_max, std::chrono::nanoseconds beat);

    Outbox& outbox() { return outbox_; }

    // Until `is_idle` is false: reads in the calling thread, always the same one, or waits while
    // the channel's thread does. What changes `is_idle` happens in a handler. May return early
    // once the channel has ended.
    void read_while(const std::function<bool()>& is_idle);

    // Writes what is left and ends the thread. Nothing is read or written afterwards. In the thread
    // that calls read_while(), if one does.
    void finish();

  private:
    using Clock = std::chrono::steady_clock;

    // What one of the two threads waits for, beside what the outbox has left. A negative descriptor
    // is left out.
    struct Waiting {
        bool is_reading;
        int wake_descriptor;
        int alarm;
        int timeout_ms;
    };
    // Waits, and does what there is to do. True if somebody wrote to the wake descriptor.
    bool wait(const Waiting& waiting);

    // In the channel's thread.
    void live();
    void on_alarm();
    void end();
    void beat_if_due();
    bool begin_to_rest();
    int poll_timeout_ms() const;

    // In the thread that holds the role.
    void read_some();
    void take_frames(std::span<const char> bytes);
    void set_ended(std::optional<base::Error> error);

    void set_alarm(std::chrono::nanoseconds after);

    int descriptor_;
    int wake_descriptor_;
    int alarm_;  // a timer that wakes the channel's thread; negative if there is none
    Outbox outbox_;
    ChannelHandlers handlers_;
    ReaderRole role_;
    std::atomic<bool> is_finishing_ = false;
    std::atomic<bool> is_resting_ = false;  // as of the last beat, and nothing has come since
    std::thread thread_;
    // Of the channel's thread.
    std::optional<std::chrono::nanoseconds> beat_;
    Clock::time_point next_beat_at_;
    bool was_woken_ = false;
    // Of the holder of the role.
    wire::FrameReader reader_{wire::Side::daemon};
    std::unique_ptr<char[]> buffer_;
    bool has_ended_ = false;
    std::optional<base::Error> error_;  // that ended it
};

}  // namespace windlass::sdk
