// Which descriptors are ready, as epoll tells it. A descriptor stays registered from wait to wait,
// so that a wait costs no system call. Thread: the loop's.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <sys/epoll.h>

#include "base/time.h"
#include "io/file_descriptor.h"

namespace windlass::io {

// What one descriptor's owner waits for. Shared, because a report of epoll may still name it when
// its owner has gone.
struct Watch {
    explicit Watch(FileDescriptor owned) : descriptor(std::move(owned)) {}

    FileDescriptor descriptor;  // none: closed
    std::move_only_function<void()> on_readable;
    std::move_only_function<void()> on_writable;
    std::uint32_t registered = 0;  // what epoll looks for; 0: it does not know the descriptor
};

class Poller {
  public:
    Poller();
    ~Poller() = default;
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    // To be called when the watch has got a callback.
    void attend(Watch& watch);
    // Closes the descriptor. No callback of it runs any more.
    void close(const std::shared_ptr<Watch>& watch);

    // Sleeps until something is ready, for `limit` at most.
    void wait(base::Duration limit);
    // Calls back for what was ready then. True when there may be more, because there was as much as
    // one report holds.
    bool call_back();

    static constexpr std::size_t kReportMax = 128;

  private:
    void dispatch(Watch& watch, std::uint32_t ready);
    void set_registered(Watch& watch, std::uint32_t events);

    FileDescriptor epoll_;
    std::array<epoll_event, kReportMax> report_ = {};
    std::size_t reported_ = 0;     // of them, by the last wait
    std::vector<Watch*> refused_;  // epoll would not take them; they are tried at each poll
    std::vector<std::shared_ptr<Watch>> closed_;  // while the report may name them
};

}  // namespace windlass::io
