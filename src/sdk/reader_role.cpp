// Who holds the role, and since which piece of work.
#include "sdk/reader_role.h"

namespace windlass::sdk {

bool ReaderRole::take(const std::function<bool()>& is_idle) {
    std::unique_lock lock{mutex_};
    // Before the first look at `is_idle`: whoever changes that later finds this set and yields.
    is_wanted_ = true;
    yielded_.wait(lock, [&] { return holder_ == Holder::nobody || is_closed_ || !is_idle(); });
    is_wanted_ = false;
    if (holder_ != Holder::nobody) return false;
    holder_ = Holder::running;
    return true;
}

ReaderRole::Watch ReaderRole::release() {
    const std::lock_guard lock{mutex_};
    holder_ = Holder::nobody;
    ++work_count_;
    if (is_watching_) return Watch::not_needed;
    is_watching_ = true;
    watched_work_ = work_count_;
    return Watch::needed;
}

void ReaderRole::hand_over() {
    const std::lock_guard lock{mutex_};
    holder_ = Holder::channel;
}

ReaderRole::Watch ReaderRole::look() {
    const std::lock_guard lock{mutex_};
    if (holder_ == Holder::nobody && work_count_ == watched_work_) holder_ = Holder::channel;
    is_watching_ = holder_ == Holder::nobody;
    watched_work_ = work_count_;
    return is_watching_ ? Watch::needed : Watch::not_needed;
}

void ReaderRole::yield() {
    const std::lock_guard lock{mutex_};
    if (holder_ != Holder::channel || !is_wanted_) return;
    holder_ = Holder::nobody;
    yielded_.notify_one();
}

bool ReaderRole::is_with_channel() {
    const std::lock_guard lock{mutex_};
    return holder_ == Holder::channel;
}

void ReaderRole::close() {
    const std::lock_guard lock{mutex_};
    is_closed_ = true;
    yielded_.notify_one();
}

}  // namespace windlass::sdk
