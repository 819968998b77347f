// Owned values on their way from any thread to the one that takes them, in order. With bell.h it is
// all that the thread of the store and the loop's share. Thread: any.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "base/time.h"

namespace windlass::io {

template <class T>
class Mailbox {
  public:
    explicit Mailbox(std::size_t size_max) : size_max_(size_max) {}
    ~Mailbox() = default;
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // False: it is full or closed, and `value` is as it was.
    bool post(T&& value) {  // NOLINT(cppcoreguidelines-rvalue-reference-param-not-moved): see above
        const std::lock_guard lock{mutex_};
        if (is_closed_ || values_.size() >= size_max_) return false;
        values_.push_back(std::move(value));
        changed_.notify_all();
        return true;
    }

    // All that is there; never blocks.
    std::vector<T> take() {
        const std::lock_guard lock{mutex_};
        return take_some(values_.size());
    }

    // Blocks until something is there, and takes at most `count_max`. Empty: it is closed, and
    // everything was taken.
    std::vector<T> wait(std::size_t count_max) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return !values_.empty() || is_closed_; });
        return take_some(count_max);
    }

    // Blocks until something is there, for `limit` at most, and takes all.
    std::vector<T> wait_for(base::Duration limit) {
        std::unique_lock lock{mutex_};
        changed_.wait_until(lock, std::chrono::steady_clock::now() + limit,
                            [this] { return !values_.empty() || is_closed_; });
        return take_some(values_.size());
    }

    // It is closed, and everything was taken.
    bool is_over() const {
        const std::lock_guard lock{mutex_};
        return is_closed_ && values_.empty();
    }

    // Nothing more comes in; what is there can still be taken.
    void close() {
        const std::lock_guard lock{mutex_};
        is_closed_ = true;
        changed_.notify_all();
    }

  private:
    std::vector<T> take_some(std::size_t count_max) {
        const auto end =
            values_.begin() + static_cast<std::ptrdiff_t>(std::min(count_max, values_.size()));
        std::vector<T> taken{std::make_move_iterator(values_.begin()),
                             std::make_move_iterator(end)};
        values_.erase(values_.begin(), end);
        return taken;
    }

    const std::size_t size_max_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::deque<T> values_;
    bool is_closed_ = false;
};

}  // namespace windlass::io
