// A byte stream over an owned descriptor: hands on what arrives, sends what is queued, and never
// blocks. Knows nothing of frames or lines. Thread: the loop's.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "io/readiness.h"

namespace windlass::io {

// Bytes that their giver may need once more: a large body is not copied to be sent.
using SharedBytes = std::shared_ptr<const std::string>;

struct StreamHandlers {
    // The bytes are gone when it returns.
    std::function<void(std::span<const char> bytes)> on_data;
    // The other side closed (no error) or reading failed. At most once, and nothing comes after it.
    std::function<void(std::optional<base::Error> error)> on_closed;
};

// The handlers come from the loop, or from drain(). They may call every method, but must not
// destroy the stream.
class Stream {
  public:
    // `descriptor`: a connected stream socket, or the read end of a pipe, which cannot be written.
    Stream(Loop& loop, FileDescriptor descriptor, StreamHandlers handlers);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Queues `bytes`; everything that was queued in a turn goes out at its end, in as few system
    // calls as it fits. Refused with `unavailable`, and nothing is queued, while backlog() and
    // `bytes` together exceed the limit. After close() or the end of the stream bytes are dropped.
    base::Result<void> write(std::string bytes);
    // Both or none.
    base::Result<void> write(std::string first, SharedBytes second);

    void set_backlog_max(std::size_t bytes) { backlog_max_ = bytes; }
    std::size_t backlog() const { return backlog_; }  // queued and not yet taken by the kernel

    // Hands on what has arrived already, at most `size_max` bytes, and not what comes meanwhile.
    // For a stream whose other side is dead, although somebody else may still write to it.
    void drain(std::size_t size_max);

    // Closes at once; the backlog is dropped and no handler is called any more.
    void close();
    bool is_open() const { return is_open_; }

    // The share of a stream in one turn, for reading and for writing, so that a large body does not
    // hold up the others. 1 MiB takes 0.2 to 0.3 ms (5 GB/s over a socket pair, measured).
    static constexpr std::size_t kBytesPerTurn = 1 << 20;
    static constexpr std::size_t kBacklogMaxDefault = 4 << 20;

  private:
    // What one try to read came to.
    enum class Reading { more, dry, over };

    struct Piece {
        std::string own;
        SharedBytes shared;  // null: `own` counts
        std::string_view bytes() const { return shared ? *shared : own; }
    };

    void on_readable();
    Reading read_once(std::size_t size_max, std::size_t& size);
    void finish(std::optional<base::Error> error);
    void flush_at_turn_end();
    void flush();
    void wait_readable();
    void drop_sent(std::size_t size);

    Loop& loop_;
    Readiness readiness_;
    StreamHandlers handlers_;
    std::deque<Piece> queue_;
    std::size_t front_sent_ = 0;  // of queue_.front()
    std::size_t backlog_ = 0;
    std::size_t backlog_max_ = kBacklogMaxDefault;
    bool is_flush_due_ = false;  // at the end of the turn, or when the socket takes bytes again
    bool is_open_ = true;
    bool is_writable_ = true;  // false once the other side has stopped to read
    int handlers_running_ = 0;
};

}  // namespace windlass::io
