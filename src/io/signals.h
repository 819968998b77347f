// Unix signals as inputs of the loop, through a signalfd. Thread: the main thread.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>
#include <memory>

#include "io/readiness.h"

namespace windlass::io {

// Blocks these signals in this thread: they wait for Signals::make().
void hold_back(std::initializer_list<int> signals);

class Signals {
  public:
    // From now on these signals are blocked in this thread, and in those that it starts later, and
    // come to `on_signal` instead, one call for each pending number. So make it before any thread.
    // Children of Process::spawn get none of it. SIGCHLD says "some child", however many ended.
    static base::Result<std::unique_ptr<Signals>> make(Loop& loop,
                                                       std::initializer_list<int> signals,
                                                       std::function<void(int signal)> on_signal);
    ~Signals();  // restores the mask
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

  private:
    Signals(Loop& loop, FileDescriptor descriptor, const sigset_t& former_mask,
            std::function<void(int)> on_signal);
    void wait();
    void on_readable();

    Readiness descriptor_;
    sigset_t former_mask_;
    std::function<void(int)> on_signal_;
};

}  // namespace windlass::io
