// Which of two threads reads the channel: the one that runs while it has nothing to run, so that a
// request costs one wake-up; else, when that lasts, the channel's own. Touches no channel itself.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace windlass::sdk {

// Held by at most one thread at a time, the channel's own at first. What only the holder touches
// needs no further lock.
//
// While the running thread works nobody holds it, for most runs are over in no time. Somebody has
// to look whether this one is: a watch() later by look(), in the channel's thread. A watch and no
// clock, so that short runs one after the other cost a look now and then, and idleness none.
class ReaderRole {
  public:
    enum class Watch { needed, not_needed };

    // The running thread's: waits until it holds the role, which is true, or `is_idle` no longer
    // is, or close(). The caller of what changes `is_idle` calls yield() after it.
    bool take(const std::function<bool()>& is_idle);
    // Gives it up, to work. `needed`: look() must be called some time from now.
    [[nodiscard]] Watch release();
    // Gives it to the channel's thread, which must be woken.
    void hand_over();

    // The channel's thread's: takes the role if the running thread has worked since the watch
    // began. `needed`: it works on something newer, so look() must be called again, later.
    [[nodiscard]] Watch look();
    // Gives it up if the running thread waits for it.
    void yield();
    bool is_with_channel();
    // The channel has ended: nobody takes the role any more.
    void close();

  private:
    enum class Holder : std::uint8_t { nobody, running, channel };

    std::mutex mutex_;  // guards all below
    std::condition_variable yielded_;
    Holder holder_ = Holder::channel;
    bool is_wanted_ = false;  // the running thread is in take()
    bool is_closed_ = false;
    std::uint64_t work_count_ = 0;  // how often the running thread went to work
    std::uint64_t watched_work_ = 0;
    bool is_watching_ = false;
};

}  // namespace windlass::sdk
