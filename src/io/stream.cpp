// Reads and writes of a stream, each bounded per turn.
#include "io/stream.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "io/loop.h"

namespace windlass::io {
namespace {

// Pieces of one sendmsg(). Linux takes up to 1024; a frame is one or two.
constexpr std::size_t kPiecesMax = 256;

ssize_t send_pieces(int descriptor, std::span<iovec> pieces) {
    msghdr message = {};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    ssize_t sent = -1;
    do {
        // As writev(), but a dead peer is EPIPE and no signal.
        sent = ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

}  // namespace

Stream::Stream(Loop& loop, FileDescriptor descriptor, StreamHandlers handlers)
    : loop_(loop), readiness_(loop, std::move(descriptor)), handlers_(std::move(handlers)) {
    wait_readable();
}

Stream::~Stream() { WL_ASSERT(handlers_running_ == 0); }

base::Result<void> Stream::write(std::string bytes) { return write(std::move(bytes), nullptr); }

base::Result<void> Stream::write(std::string first, SharedBytes second) {
    if (!is_open_ || !is_writable_) return {};
    const std::size_t size = first.size() + (second ? second->size() : 0);
    if (backlog_ + size > backlog_max_) {
        return base::fail(base::Errc::unavailable,
                          fmt::format("cannot queue {} bytes: {} wait already for a reader that is"
                                      " too slow, and the limit is {}",
                                      size, backlog_, backlog_max_));
    }
    backlog_ += size;
    if (!first.empty()) queue_.push_back({.own = std::move(first), .shared = nullptr});
    if (second && !second->empty()) queue_.push_back({.own = {}, .shared = std::move(second)});
    if (!is_flush_due_ && !queue_.empty()) flush_at_turn_end();
    return {};
}

void Stream::flush_at_turn_end() {
    is_flush_due_ = true;
    readiness_.at_turn_end([this] { flush(); });
}

void Stream::flush() {
    is_flush_due_ = false;
    for (std::size_t sent_in_turn = 0; !queue_.empty() && sent_in_turn < kBytesPerTurn;) {
        std::array<iovec, kPiecesMax> pieces;
        const std::size_t count = std::min(queue_.size(), kPiecesMax);
        for (std::size_t index = 0; index < count; ++index) {
            const std::size_t skip = index == 0 ? front_sent_ : 0;
            const std::string_view bytes = queue_[index].bytes().substr(skip);
            // sendmsg() only reads what iovec, which serves both directions, points to.
            pieces[index] = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
        }
        const ssize_t sent = send_pieces(readiness_.descriptor(), std::span{pieces}.first(count));
        if (sent < 0) {
            if (errno == EAGAIN) break;
            // The other side is gone or reads no more. What it wrote before may still be here, so
            // that only the reading side reports the end.
            is_writable_ = false;
            queue_.clear();
            backlog_ = 0;
            return;
        }
        drop_sent(static_cast<std::size_t>(sent));
        sent_in_turn += static_cast<std::size_t>(sent);
    }
    if (queue_.empty()) return;
    is_flush_due_ = true;
    readiness_.when_writable([this] { flush_at_turn_end(); });
}

void Stream::drop_sent(std::size_t size) {
    backlog_ -= size;
    while (size > 0) {
        const std::size_t left = queue_.front().bytes().size() - front_sent_;
        if (size < left) {
            front_sent_ += size;
            return;
        }
        size -= left;
        front_sent_ = 0;
        queue_.pop_front();
    }
}

void Stream::wait_readable() {
    readiness_.when_readable([this] { on_readable(); });
}

void Stream::on_readable() {
    for (std::size_t size = 0; size < kBytesPerTurn;) {
        const Reading reading = read_once(kBytesPerTurn - size, size);
        if (reading == Reading::over) return;
        if (reading == Reading::dry) break;
    }
    // Not before the next turn, so that a writer that never stops cannot keep this one from ending.
    readiness_.at_turn_end([this] { wait_readable(); });
}

Stream::Reading Stream::read_once(std::size_t size_max, std::size_t& size) {
    const std::span<char> buffer =
        loop_.scratch().first(std::min(size_max, loop_.scratch().size()));
    const ReadOutcome outcome = read_some(readiness_.descriptor(), buffer);
    // A peer that died with unread bytes before it shows as ECONNRESET; that is an end as well.
    if (outcome.is_end || outcome.errno_value == ECONNRESET) {
        finish(std::nullopt);
        return Reading::over;
    }
    if (outcome.errno_value != 0) {
        finish(system_error(outcome.errno_value, "reading a stream"));
        return Reading::over;
    }
    if (outcome.size == 0) return Reading::dry;
    size += outcome.size;
    ++handlers_running_;
    handlers_.on_data(buffer.first(outcome.size));
    --handlers_running_;
    if (!is_open_) return Reading::over;
    // A short read has emptied the socket: a second try would only say so.
    return outcome.size < buffer.size() ? Reading::dry : Reading::more;
}

void Stream::drain(std::size_t size_max) {
    int arrived = 0;
    if (::ioctl(readiness_.descriptor(), FIONREAD, &arrived) != 0 || arrived < 0) arrived = 0;
    const std::size_t limit = std::min(size_max, static_cast<std::size_t>(arrived));
    // The wait that is still set finds the stream dry, or closed, later.
    for (std::size_t size = 0; is_open_ && size < limit;) {
        const std::size_t before = size;
        if (read_once(limit - size, size) == Reading::over) return;
        if (size == before) return;
    }
    std::size_t size = 0;
    if (is_open_ && limit < size_max) read_once(1, size);  // meets the end, if it is there
}

void Stream::finish(std::optional<base::Error> error) {
    close();
    ++handlers_running_;
    handlers_.on_closed(std::move(error));
    --handlers_running_;
}

void Stream::close() {
    is_open_ = false;
    is_writable_ = false;
    queue_.clear();
    backlog_ = 0;
    front_sent_ = 0;
    readiness_.close();
}

}  // namespace windlass::io
