// What goes to the daemon, in the order in which it was added. Any thread may add; one at a time
// writes, for all, so that frames which come together leave with one system call.
#pragma once

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
    // A stream socket that blocks; stays the caller's.
    explicit Outbox(int descriptor) : descriptor_(descriptor) {}
    ~Outbox() = default;
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

    // Drops what is left: the channel has ended, and nobody would read it.
    void close();

  private:
    enum class Mode { blocking, eager };

    void write_as(Mode mode, std::unique_lock<std::mutex>& lock);
    void drop(std::size_t bytes);

    int descriptor_;
    std::mutex mutex_;  // guards all below; never held while writing
    std::deque<Piece> pieces_;
    std::size_t written_ = 0;  // of the first piece
    bool is_writing_ = false;
    std::condition_variable written_out_;  // is_writing_ became false
    bool is_open_ = true;
};

}  // namespace windlass::sdk
