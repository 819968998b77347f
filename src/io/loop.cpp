// The turns, on top of Asio's io_context.
#include "io/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace windlass::io {
namespace {

namespace asio = boost::asio;

// The capacity of a socket pair is 208 KiB by default (net.core.wmem_default of Linux), so that one
// read can empty it.
constexpr std::size_t kScratchSize = 256 << 10;
// An upper bound for one sleep, so that no deadline overflows what epoll counts in.
constexpr base::Duration kSleepMax = std::chrono::minutes{1};

}  // namespace

struct Loop::State {
    asio::io_context context{1};  // 1: one thread runs it
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::vector<Task> deferred;
    std::vector<Task> running;  // the deferred ones of this turn; kept for its capacity
    std::vector<char> scratch = std::vector<char>(kScratchSize);
    bool stopping = false;
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

base::Instant Loop::now() const {
    // libstdc++'s steady_clock is CLOCK_MONOTONIC.
    return base::Instant{std::chrono::steady_clock::now().time_since_epoch()};
}

void Loop::run(const EndOfTurn& on_turn_end) {
    State& state = *state_;
    state.stopping = false;
    state.context.restart();
    while (true) {
        for (int handled = 0; handled < kHandlersPerTurn && !state.stopping; ++handled) {
            if (state.context.poll_one() == 0) break;
        }
        const base::Instant now_at_end = now();
        const std::optional<base::Instant> deadline = on_turn_end(now_at_end);
        std::swap(state.running, state.deferred);
        for (Task& task : state.running) task();
        state.running.clear();
        if (state.stopping) return;
        if (!state.deferred.empty()) continue;
        base::Duration sleep = kSleepMax;
        if (deadline) sleep = std::clamp(*deadline - now(), base::Duration::zero(), kSleepMax);
        state.context.run_one_for(sleep);
    }
}

void Loop::stop() { state_->stopping = true; }

void Loop::post(Task task) { asio::post(state_->context, std::move(task)); }

void Loop::defer(Task task) { state_->deferred.push_back(std::move(task)); }

asio::io_context& Loop::context() { return state_->context; }

std::span<char> Loop::scratch() { return state_->scratch; }

}  // namespace windlass::io
