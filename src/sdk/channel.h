// The worker's end of the socket to the daemon: one thread that reads, beats, and writes what
// others could not write without blocking. Knows frames as such, not what they mean to a model.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <thread>

#include "base/result.h"
#include "sdk/outbox.h"
#include "wire/frame.h"

namespace windlass::sdk {

// All are called in the reading thread and must not block, on_end excepted.
struct ChannelHandlers {
    // An error ends the channel.
    std::function<base::Result<void>(wire::Frame)> on_frame;
    // Once, unless finish() comes first. Without an error it was an orderly end of the stream.
    std::function<void(const std::optional<base::Error>&)> on_end;
    // Somebody wrote to `wake_descriptor`.
    std::function<void()> on_wake;
};

class Channel {
  public:
    // `descriptor`, a stream socket, is closed by the destructor; `wake_descriptor` is an eventfd.
    Channel(int descriptor, int wake_descriptor);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    void start(ChannelHandlers handlers);

    // Sets the limit for bodies and begins to beat. For on_frame.
    void configure(std::uint32_t body_size_max, std::chrono::nanoseconds beat);

    Outbox& outbox() { return outbox_; }

    // Writes what is left and ends the thread. Nothing is read or written afterwards.
    void finish();

  private:
    using Clock = std::chrono::steady_clock;

    void read_all();
    bool wait();  // true when there is something to read
    void read_some(std::span<char> buffer);
    void end(const std::optional<base::Error>& error);
    void beat_if_due();
    int poll_timeout_ms() const;

    int descriptor_;
    int wake_descriptor_;
    Outbox outbox_;
    ChannelHandlers handlers_;
    std::atomic<bool> is_finishing_ = false;
    std::thread thread_;
    // Of the thread only.
    wire::FrameReader reader_{wire::Side::daemon};
    std::optional<std::chrono::nanoseconds> beat_;
    Clock::time_point next_beat_at_;
    bool has_ended_ = false;
};

}  // namespace windlass::sdk
