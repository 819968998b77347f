// What goes to the daemon, in the order in which it was added. Any thread may add; one at a time
// writes, for all, so that frames which come together leave with one system call.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>

namespace windlass::sdk {

// One frame; the body apart, so that a large one is not copied.
struct Piece {
    std::string head;
    std::string body = {};
};

// Thread: any.
class Outbox {
  public:
    // As often as one run may report (reporter.cpp), so that a thousand wake the daemon no oftener.
    static constexpr std::chrono::milliseconds kGatherFor{100};

    // A stream socket that blocks; stays the caller's.
    explicit Outbox(int descriptor, std::chrono::nanoseconds gather_for = kGatherFor);
    ~Outbox();
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    // Leaves it for the next write() or post().
    void add(Piece piece);

    // Writes what was added, or leaves it to the thread that is writing already. Blocks while the
    // daemon does not read.
    void write();

    // Blocks until everything is written, by whichever thread, or the channel has ended.
    void flush();

    // add(), then as much as can be written without blocking; has_rest() says whether some is left,
    // which write_some() goes on with.
    void post(Piece piece);
    void write_some();
    bool has_rest();

    // For what need not be there at once: written, without blocking, with whatever comes next, or
    // by write_gathered() when `gathered_descriptor` is readable; at once if none was for a while.
    void gather(Piece piece);
    int gathered_descriptor() const { return timer_; }  // negative: there is none
    void write_gathered();

    // Drops what is left: the channel has ended, and nobody would read it.
    void close();

  private:
    enum class Mode { blocking, eager };

    void write_as(Mode mode, std::unique_lock<std::mutex>& lock);
    void drop(std::size_t bytes);
    void set_timer(std::chrono::nanoseconds after);

    int descriptor_;
    int timer_;  // negative: nothing waits to be gathered
    std::chrono::nanoseconds gather_for_;
    std::mutex mutex_;  // guards all below; never held while writing
    std::deque<Piece> pieces_;
    std::size_t written_ = 0;  // of the first piece
    bool is_writing_ = false;
    std::condition_variable written_out_;  // is_writing_ became false
    bool is_open_ = true;
    bool is_gathering_ = false;  // what there is waits for the timer
    std::chrono::steady_clock::time_point gather_at_;
};

}  // namespace windlass::sdk
