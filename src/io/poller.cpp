// epoll, level-triggered: what is ready and not yet dealt with is reported again.
#include "io/poller.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace windlass::io {
namespace {

constexpr base::Duration kRefusedPause = std::chrono::milliseconds{50};
constexpr std::uint32_t kReadable = EPOLLIN;
constexpr std::uint32_t kWritable = EPOLLOUT;
constexpr std::uint32_t kFailed = EPOLLERR | EPOLLHUP;  // reported always; both sides must hear it

std::uint32_t wanted(const Watch& watch) {
    return (watch.on_readable ? kReadable : 0U) | (watch.on_writable ? kWritable : 0U);
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    WL_ASSERT(epoll_);  // without it there is no loop, and nobody yet to tell
}

void Poller::attend(Watch& watch) {
    const std::uint32_t events = watch.registered | wanted(watch);
    if (events != watch.registered) set_registered(watch, events);
}

void Poller::close(const std::shared_ptr<Watch>& watch) {
    if (!watch->descriptor) return;
    // Not left to close(): a copy of the descriptor in another process would keep it registered.
    set_registered(*watch, 0);
    std::erase(refused_, watch.get());
    watch->descriptor.reset();
    closed_.push_back(watch);
}

void Poller::wait(base::Duration limit) {
    for (Watch* const watch : std::exchange(refused_, {})) attend(*watch);
    if (!refused_.empty()) limit = std::min(limit, kRefusedPause);
    // Rounded up: a sleep that ends early would only be followed by another one.
    const auto limit_ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
    const int count = ::epoll_wait(epoll_.number(), report_.data(),
                                   static_cast<int>(report_.size()), static_cast<int>(limit_ms));
    WL_ASSERT(count >= 0 || errno == EINTR);
    reported_ = count < 0 ? 0 : static_cast<std::size_t>(count);
}

bool Poller::call_back() {
    for (std::size_t index = 0; index < reported_; ++index) {
        dispatch(*static_cast<Watch*>(report_[index].data.ptr), report_[index].events);
    }
    const auto buried = std::exchange(closed_, {});  // their callbacks may close others
    return std::exchange(reported_, 0) == report_.size();
}

void Poller::dispatch(Watch& watch, std::uint32_t ready) {
    if (!watch.descriptor) return;  // closed by what was called back before it
    const std::uint32_t heard = wanted(watch);
    const bool is_unheard = heard == 0 || (ready & (kReadable | kWritable) & ~heard) != 0;
    if (is_unheard) set_registered(watch, heard);  // else it would be reported for ever
    const auto take = [&](auto& callback, std::uint32_t event) {
        if ((ready & (event | kFailed)) == 0 || !watch.descriptor || !callback) return;
        auto taken = std::exchange(callback, nullptr);
        taken();
    };
    take(watch.on_readable, kReadable);
    take(watch.on_writable, kWritable);
}

void Poller::set_registered(Watch& watch, std::uint32_t events) {
    if (events == watch.registered) return;
    const int operation = events == 0             ? EPOLL_CTL_DEL
                          : watch.registered == 0 ? EPOLL_CTL_ADD
                                                  : EPOLL_CTL_MOD;
    epoll_event wish = {.events = events, .data = {.ptr = &watch}};
    const int failed = ::epoll_ctl(epoll_.number(), operation, watch.descriptor.number(), &wish);
    if (failed == 0) {
        watch.registered = events;
        return;
    }
    // There is no memory, or other processes of this user watch so many descriptors that none is
    // left (fs.epoll.max_user_watches): both may pass. Anything else is a bug of ours.
    WL_ASSERT(operation != EPOLL_CTL_DEL && (errno == ENOSPC || errno == ENOMEM));
    refused_.push_back(&watch);
}

}  // namespace windlass::io
