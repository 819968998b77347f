// A place among the timers of the loop.
#include "io/timer.h"

#include <memory>
#include <utility>

#include "io/loop.h"

namespace windlass::io {

Timer::Timer(Loop& loop, std::function<void()> callback)
    : loop_(loop), callback_(std::make_shared<const std::function<void()>>(std::move(callback))) {}

Timer::~Timer() { stop(); }

void Timer::start(base::Duration delay) {
    stop();
    place_ = loop_.timers().start(base::saturating_add(loop_.now(), delay), callback_);
}

void Timer::stop() { loop_.timers().stop(place_); }

}  // namespace windlass::io
