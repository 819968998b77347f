// A timer on Asio's.
#include "io/timer.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <utility>

#include "io/loop.h"

namespace windlass::io {

namespace {
using SteadyTimer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>;
}  // namespace

struct Timer::State {
    State(Loop& loop, std::function<void()> on_time)
        : timer(loop.context().get_executor()), callback(std::move(on_time)) {}
    SteadyTimer timer;
    std::function<void()> callback;
    std::uint64_t round = 0;  // a handler of an earlier round is stale, even if it ran out in time
};

Timer::Timer(Loop& loop, std::function<void()> callback)
    : state_(std::make_shared<State>(loop, std::move(callback))) {}

Timer::~Timer() { stop(); }

void Timer::start(base::Duration delay) {
    const std::uint64_t round = ++state_->round;
    state_->timer.expires_after(delay);
    state_->timer.async_wait([state = state_, round](boost::system::error_code) {
        if (state->round == round) state->callback();
    });
}

void Timer::stop() {
    ++state_->round;
    state_->timer.cancel();
}

}  // namespace windlass::io
