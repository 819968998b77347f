// The thread of the log.
#include "daemon/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace windlass::daemon {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kFlushWait = 1s;
// How long the thread waits for a reader before it looks whether anybody still needs it.
constexpr int kLookMs = 1'000;

}  // namespace

struct LogWriter::State {
    State(int fd, std::size_t max) : descriptor(fd), backlog_max(max) {}

    const int descriptor;
    const std::size_t backlog_max;
    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::string backlog;            // whole lines that the thread has not taken
    std::size_t being_written = 0;  // bytes that it has taken
    std::uint64_t lost = 0;
    bool is_ending = false;
    bool is_abandoned = false;  // the writer has waited long enough for the end
    bool is_done = false;

    std::size_t held() const { return backlog.size() + being_written; }
    void run();
    std::string_view put(std::string_view text);
    bool is_nobody_waiting();
};

// A pipe that polls as writable takes PIPE_BUF bytes without blocking, whatever its flags are
// (pipe(7)). Returns what could not be written: the disk is full, nobody will ever read it, or
// nobody waits for it any more.
std::string_view LogWriter::State::put(std::string_view text) {
    while (!text.empty()) {
        pollfd writable{.fd = descriptor, .events = POLLOUT, .revents = 0};
        const int ready = ::poll(&writable, 1, kLookMs);
        if (ready == 0 && is_nobody_waiting()) return text;
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        if ((writable.revents & POLLOUT) == 0) return text;  // the reader is gone
        const ssize_t size =
            ::write(descriptor, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (size < 0 && errno != EINTR && errno != EAGAIN) return text;
        if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
    }
    return text;
}

bool LogWriter::State::is_nobody_waiting() {
    const std::lock_guard lock{mutex};
    return is_abandoned;
}

void LogWriter::State::run() {
    std::unique_lock lock{mutex};
    while (true) {
        changed.wait(lock, [this] { return !backlog.empty() || is_ending; });
        if (backlog.empty()) break;
        const std::string batch = std::exchange(backlog, {});
        being_written = batch.size();
        lock.unlock();
        const std::string_view rest = put(batch);
        lock.lock();
        lost += static_cast<std::uint64_t>(std::ranges::count(rest, '\n'));
        being_written = 0;
    }
    is_done = true;
    changed.notify_all();
}

LogWriter::LogWriter(int descriptor, std::size_t backlog_max)
    : state_(std::make_shared<State>(descriptor, backlog_max)) {
    // Signals are for the main thread; the mask is inherited.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread{[state = state_] { state->run(); }}.detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
    std::unique_lock lock{state_->mutex};
    state_->is_ending = true;
    state_->changed.notify_all();
    state_->changed.wait_until(lock, Clock::now() + kFlushWait, [this] { return state_->is_done; });
    state_->is_abandoned = true;
}

void LogWriter::write(std::string_view line) {
    const std::lock_guard lock{state_->mutex};
    if (state_->held() + line.size() > state_->backlog_max) {
        ++state_->lost;
        return;
    }
    state_->backlog += line;
    state_->changed.notify_all();
}

std::uint64_t LogWriter::take_lost() {
    const std::lock_guard lock{state_->mutex};
    if (state_->held() > state_->backlog_max / 2) return 0;
    return std::exchange(state_->lost, 0);
}

}  // namespace windlass::daemon
