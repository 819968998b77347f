// Reads the signalfd.
#include "io/signals.h"

#include <sys/signalfd.h>

#include <cerrno>
#include <utility>

namespace windlass::io {

namespace {

sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) sigaddset(&set, signal);
    return set;
}

}  // namespace

void hold_back(std::initializer_list<int> signals) {
    const sigset_t held = set_of(signals);
    ::pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

base::Result<std::unique_ptr<Signals>> Signals::make(Loop& loop, std::initializer_list<int> signals,
                                                     std::function<void(int signal)> on_signal) {
    const sigset_t wanted = set_of(signals);
    sigset_t former;
    FileDescriptor descriptor{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!descriptor) return system_error(errno, "making a descriptor for signals");
    const int failed = ::pthread_sigmask(SIG_BLOCK, &wanted, &former);
    if (failed != 0) return system_error(failed, "blocking signals");
    return std::unique_ptr<Signals>{
        new Signals{loop, std::move(descriptor), former, std::move(on_signal)}};
}

Signals::Signals(Loop& loop, FileDescriptor descriptor, const sigset_t& former_mask,
                 std::function<void(int)> on_signal)
    : descriptor_(loop, std::move(descriptor)),
      former_mask_(former_mask),
      on_signal_(std::move(on_signal)) {
    wait();
}

Signals::~Signals() { ::pthread_sigmask(SIG_SETMASK, &former_mask_, nullptr); }

void Signals::wait() {
    descriptor_.when_readable([this] { on_readable(); });
}

void Signals::on_readable() {
    // One at a time: a second one finds the descriptor readable again.
    signalfd_siginfo info = {};
    const ReadOutcome outcome =
        read_some(descriptor_.descriptor(), std::span{reinterpret_cast<char*>(&info), sizeof info});
    wait();
    if (outcome.size == sizeof info) on_signal_(static_cast<int>(info.ssi_signo));
}

}  // namespace windlass::io
