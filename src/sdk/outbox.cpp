// Collects frames and writes them with one sendmsg().
#include "sdk/outbox.h"

#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <utility>

namespace windlass::sdk {
namespace {

constexpr std::size_t kVectorsMax = 64;  // frames of a run that is over at once come two by two

iovec vector_of(std::string& text, std::size_t skip) {
    return {.iov_base = text.data() + skip, .iov_len = text.size() - skip};
}

// As many of the pieces as there is room for, without the first `skip` bytes of the first one.
std::size_t point_at(std::deque<Piece>& pieces, std::size_t skip, std::span<iovec> vectors) {
    std::size_t count = 0;
    for (Piece& piece : pieces) {
        if (count + 2 > vectors.size()) break;
        if (skip < piece.head.size()) {
            vectors[count++] = vector_of(piece.head, skip);
            skip = piece.head.size();
        }
        if (skip < piece.head.size() + piece.body.size()) {
            vectors[count++] = vector_of(piece.body, skip - piece.head.size());
        }
        skip = 0;
    }
    return count;
}

}  // namespace

Outbox::Outbox(int descriptor, std::chrono::nanoseconds gather_for)
    : descriptor_(descriptor),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      gather_for_(gather_for) {}

Outbox::~Outbox() {
    if (timer_ >= 0) ::close(timer_);
}

void Outbox::add(Piece piece) {
    const std::lock_guard lock{mutex_};
    if (is_open_) pieces_.push_back(std::move(piece));
}

void Outbox::write() {
    std::unique_lock lock{mutex_};
    write_as(Mode::blocking, lock);
}

void Outbox::flush() {
    std::unique_lock lock{mutex_};
    while (!pieces_.empty()) {
        written_out_.wait(lock, [this] { return !is_writing_; });
        write_as(Mode::blocking, lock);
    }
}

void Outbox::post(Piece piece) {
    std::unique_lock lock{mutex_};
    if (is_open_) pieces_.push_back(std::move(piece));
    write_as(Mode::eager, lock);
}

void Outbox::write_some() {
    std::unique_lock lock{mutex_};
    write_as(Mode::eager, lock);
}

bool Outbox::has_rest() {
    const std::lock_guard lock{mutex_};
    return !pieces_.empty() && !is_writing_ && !is_gathering_;
}

void Outbox::gather(Piece piece) {
    std::unique_lock lock{mutex_};
    if (!is_open_) return;
    const bool has_company = !pieces_.empty();  // that somebody writes, or the timer
    pieces_.push_back(std::move(piece));
    if (has_company || is_writing_) return;
    const auto now = std::chrono::steady_clock::now();
    if (timer_ < 0 || now >= gather_at_) {
        gather_at_ = now + gather_for_;
        return write_as(Mode::eager, lock);
    }
    is_gathering_ = true;
    set_timer(gather_at_ - now);
}

void Outbox::write_gathered() {
    std::uint64_t count = 0;
    static_cast<void>(::read(timer_, &count, sizeof count));
    std::unique_lock lock{mutex_};
    if (!is_gathering_) return;
    gather_at_ = std::chrono::steady_clock::now() + gather_for_;
    write_as(Mode::eager, lock);
}

void Outbox::set_timer(std::chrono::nanoseconds after) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(after);
    const itimerspec once{
        .it_interval = {},
        .it_value = {.tv_sec = whole.count(), .tv_nsec = (after - whole).count()}};
    ::timerfd_settime(timer_, 0, &once, nullptr);
}

void Outbox::close() {
    const std::lock_guard lock{mutex_};
    is_open_ = false;
    if (!is_writing_) pieces_.clear();
}

void Outbox::write_as(Mode mode, std::unique_lock<std::mutex>& lock) {
    if (is_writing_) return;
    is_writing_ = true;
    is_gathering_ = false;
    while (is_open_ && !pieces_.empty()) {
        std::array<iovec, kVectorsMax> vectors;
        msghdr message = {};
        message.msg_iov = vectors.data();
        message.msg_iovlen = point_at(pieces_, written_, vectors);
        // Only the writing thread takes pieces out, and a deque leaves the others where they are.
        lock.unlock();
        const int flags = MSG_NOSIGNAL | (mode == Mode::eager ? MSG_DONTWAIT : 0);
        const ssize_t sent = ::sendmsg(descriptor_, &message, flags);
        const int errno_value = errno;
        lock.lock();
        if (sent >= 0) {
            drop(static_cast<std::size_t>(sent));
        } else if (mode == Mode::eager && errno_value == EAGAIN) {
            break;
        } else if (errno_value != EINTR) {
            is_open_ = false;  // the reading thread sees the end too, and reports it
        }
    }
    is_writing_ = false;
    if (!is_open_) pieces_.clear();
    written_out_.notify_all();  // no system call unless flush() waits
}

void Outbox::drop(std::size_t bytes) {
    written_ += bytes;
    while (!pieces_.empty()) {
        const std::size_t size = pieces_.front().head.size() + pieces_.front().body.size();
        if (written_ < size) return;
        written_ -= size;
        pieces_.pop_front();
    }
}

}  // namespace windlass::sdk
