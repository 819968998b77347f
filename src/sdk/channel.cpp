// Reads frames and beats.
#include "sdk/channel.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace windlass::sdk {
namespace {

// Above the default buffer of a Unix socket (208 KiB, Linux 6.1), so that one read empties it.
constexpr std::size_t kReadSize = 256 * 1024;

}  // namespace

Channel::Channel(int descriptor, int wake_descriptor)
    : descriptor_(descriptor), wake_descriptor_(wake_descriptor), outbox_(descriptor) {}

Channel::~Channel() {
    if (thread_.joinable()) finish();
    ::close(descriptor_);
}

void Channel::start(ChannelHandlers handlers) {
    handlers_ = std::move(handlers);
    thread_ = std::thread{[this] { read_all(); }};
}

void Channel::configure(std::uint32_t body_size_max, std::chrono::nanoseconds beat) {
    reader_.set_body_size_max(body_size_max);
    beat_ = beat;
    next_beat_at_ = Clock::now();
}

void Channel::finish() {
    outbox_.flush();
    // Ends the thread's waiting. What was written stays readable for the daemon.
    is_finishing_.store(true, std::memory_order_release);
    ::shutdown(descriptor_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
}

void Channel::read_all() {
    ::prctl(PR_SET_NAME, "windlass-read", 0, 0, 0);
    const auto buffer = std::make_unique_for_overwrite<char[]>(kReadSize);
    while (!has_ended_) {
        beat_if_due();
        if (wait()) read_some({buffer.get(), kReadSize});
    }
}

bool Channel::wait() {
    const short events = outbox_.has_rest() ? POLLIN | POLLOUT : POLLIN;
    std::array<pollfd, 2> polled{{{.fd = descriptor_, .events = events, .revents = 0},
                                  {.fd = wake_descriptor_, .events = POLLIN, .revents = 0}}};
    if (::poll(polled.data(), polled.size(), poll_timeout_ms()) <= 0) return false;
    if ((polled[1].revents & POLLIN) != 0) {
        std::uint64_t count = 0;
        static_cast<void>(::read(wake_descriptor_, &count, sizeof count));
        handlers_.on_wake();
    }
    if ((polled[0].revents & POLLOUT) != 0) outbox_.write_some();
    return (polled[0].revents & ~POLLOUT) != 0;
}

// Negative: for ever. Rounded up, so that it does not come a moment early again and again.
int Channel::poll_timeout_ms() const {
    if (!beat_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_beat_at_ - Clock::now());
    constexpr std::int64_t kLongest = 3'600'000;
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kLongest));
}

void Channel::beat_if_due() {
    const Clock::time_point now = Clock::now();
    if (!beat_ || now < next_beat_at_) return;
    next_beat_at_ = now + *beat_;
    outbox_.post({wire::encode_head(wire::FrameType::heartbeat, 0, "")});
}

void Channel::read_some(std::span<char> buffer) {
    const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) return;
    if (count < 0 && errno != ECONNRESET) {
        return end(base::fail(base::Errc::internal, std::generic_category().message(errno)));
    }
    // A reset: the daemon died with bytes of ours unread, an end like any other.
    if (count <= 0) return end({});
    std::span<const char> bytes = buffer.first(static_cast<std::size_t>(count));
    while (true) {
        base::Result<std::optional<wire::Frame>> frame = reader_.next(bytes);
        if (!frame) return end(frame.error());
        if (!*frame) return;
        const base::Result<void> taken = handlers_.on_frame(std::move(**frame));
        if (!taken) return end(taken.error());
    }
}

void Channel::end(const std::optional<base::Error>& error) {
    has_ended_ = true;
    if (is_finishing_.load(std::memory_order_acquire)) return;
    outbox_.close();
    ::shutdown(descriptor_, SHUT_RDWR);  // wakes a thread that blocks in writing
    handlers_.on_end(error);
}

}  // namespace windlass::sdk
