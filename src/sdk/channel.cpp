// Waits, reads frames and beats.
#include "sdk/channel.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
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
constexpr std::size_t kReadSize = std::size_t{256} * 1024;

// A run that takes longer than this is looked after by the channel's thread: a cancel waits for at
// most two of these. Far above a switch of threads (some 10 us), so that short runs do without one.
constexpr std::chrono::milliseconds kLookInterval{4};
constexpr std::chrono::nanoseconds kAtOnce{1};

}  // namespace

Channel::Channel(int descriptor, int wake_descriptor)
    : descriptor_(descriptor),
      wake_descriptor_(wake_descriptor),
      alarm_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      outbox_(descriptor),
      buffer_(std::make_unique_for_overwrite<char[]>(kReadSize)) {}

Channel::~Channel() {
    if (thread_.joinable()) finish();
    if (alarm_ >= 0) ::close(alarm_);
    ::close(descriptor_);
}

void Channel::start(ChannelHandlers handlers) {
    handlers_ = std::move(handlers);
    thread_ = std::thread{[this] { live(); }};
}

void Channel::configure(std::uint32_t body_size_max, std::chrono::nanoseconds beat) {
    reader_.set_body_size_max(body_size_max);
    beat_ = beat;
    next_beat_at_ = Clock::now();
}

void Channel::read_while(const std::function<bool()>& is_idle) {
    if (alarm_ < 0) return;  // without one the channel's thread reads, always
    if (!role_.take(is_idle)) return;
    // What wakes this thread stays readable, so nothing is missed between a look and the waiting.
    while (!has_ended_ && is_idle()) {
        wait({.is_reading = true,
              .wake_descriptor = wake_descriptor_,
              .alarm = -1,
              .timeout_ms = -1});
    }
    if (has_ended_) {
        role_.hand_over();
        set_alarm(kAtOnce);
    } else if (role_.release() == ReaderRole::Watch::needed) {
        set_alarm(kLookInterval);
    }
}

void Channel::finish() {
    outbox_.flush();
    is_finishing_.store(true, std::memory_order_release);
    // What the thread finds when it reads. What was written stays readable for the daemon.
    ::shutdown(descriptor_, SHUT_RDWR);
    role_.hand_over();
    set_alarm(kAtOnce);
    if (thread_.joinable()) thread_.join();
}

void Channel::live() {
    ::prctl(PR_SET_NAME, "windlass-read", 0, 0, 0);
    while (true) {
        beat_if_due();
        // Once is enough. It is not reset, so that a thread in read_while() sees it as well.
        was_woken_ |= wait({.is_reading = role_.is_with_channel(),
                            .wake_descriptor = was_woken_ ? -1 : wake_descriptor_,
                            .alarm = alarm_,
                            .timeout_ms = poll_timeout_ms()});
        if (role_.is_with_channel() && has_ended_) return end();
        role_.yield();
    }
}

bool Channel::wait(const Waiting& waiting) {
    const int events = (waiting.is_reading ? POLLIN : 0) | (outbox_.has_rest() ? POLLOUT : 0);
    const int gathered = waiting.alarm < 0 ? -1 : outbox_.gathered_descriptor();
    std::array<pollfd, 4> polled{
        {{.fd = events == 0 ? -1 : descriptor_, .events = static_cast<short>(events), .revents = 0},
         {.fd = waiting.wake_descriptor, .events = POLLIN, .revents = 0},
         {.fd = waiting.alarm, .events = POLLIN, .revents = 0},
         {.fd = gathered, .events = POLLIN, .revents = 0}}};
    if (::poll(polled.data(), polled.size(), waiting.timeout_ms) <= 0) return false;
    const bool is_woken = polled[1].revents != 0;
    if (polled[2].revents != 0) on_alarm();
    if (is_woken) handlers_.on_wake();
    if (polled[3].revents != 0) outbox_.write_gathered();
    if ((polled[0].revents & ~POLLIN) != 0) outbox_.write_some();
    if (waiting.is_reading && (polled[0].revents & ~POLLOUT) != 0) read_some();
    return is_woken;
}

// An alarm that the other thread sets meanwhile may be lost by this: the role is looked at anew
// after it all the same.
void Channel::on_alarm() {
    std::uint64_t count = 0;
    static_cast<void>(::read(alarm_, &count, sizeof count));
    if (role_.look() == ReaderRole::Watch::needed) set_alarm(kLookInterval);
}

void Channel::set_alarm(std::chrono::nanoseconds after) {
    const itimerspec once{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = after.count()}};
    ::timerfd_settime(alarm_, 0, &once, nullptr);
}

// Negative: for ever. Rounded up, so that it does not come a moment early again and again.
int Channel::poll_timeout_ms() const {
    if (!beat_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_beat_at_ - Clock::now());
    constexpr std::int64_t kLongest = 3'600'000;
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kLongest));
}

void Channel::beat_if_due() {
    if (!beat_) return;
    const Clock::time_point now = Clock::now();
    // Something has come while it rested: what is done with it has the usual pace.
    if (!is_resting_.load()) next_beat_at_ = std::min(next_beat_at_, now + *beat_);
    if (now < next_beat_at_) return;
    next_beat_at_ = now + *beat_ * (begin_to_rest() ? kRestingPace : 1);
    outbox_.post({wire::encode_head(wire::FrameType::heartbeat, 0, "")});
}

// Said before it is looked at: a frame that comes meanwhile is either seen, or sees this.
bool Channel::begin_to_rest() {
    is_resting_.store(true);
    if (!handlers_.is_resting || !handlers_.is_resting()) is_resting_.store(false);
    return is_resting_.load();
}

void Channel::read_some() {
    const ssize_t count = ::recv(descriptor_, buffer_.get(), kReadSize, 0);
    if (count < 0 && errno == EINTR) return;
    if (count < 0 && errno != ECONNRESET) {
        return set_ended(base::fail(base::Errc::internal, std::generic_category().message(errno)));
    }
    // A reset: the daemon died with bytes of ours unread, an end like any other.
    if (count <= 0) return set_ended({});
    take_frames({buffer_.get(), static_cast<std::size_t>(count)});
}

void Channel::take_frames(std::span<const char> bytes) {
    while (true) {
        base::Result<std::optional<wire::Frame>> next = reader_.next(bytes);
        if (!next) return set_ended(next.error());
        std::optional<wire::Frame>& frame = *next;
        if (!frame) return;
        const base::Result<void> taken = handlers_.on_frame(std::move(*frame));
        if (!taken) return set_ended(taken.error());
        if (is_resting_.load() && is_resting_.exchange(false)) set_alarm(kAtOnce);
    }
}

void Channel::set_ended(std::optional<base::Error> error) {
    has_ended_ = true;
    error_ = std::move(error);
}

void Channel::end() {
    role_.close();
    if (is_finishing_.load(std::memory_order_acquire)) return;
    outbox_.close();
    ::shutdown(descriptor_, SHUT_RDWR);  // wakes a thread that blocks in writing
    handlers_.on_end(error_);
}

}  // namespace windlass::sdk
