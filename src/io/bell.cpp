// An eventfd, once for the loop and once for whoever rings: the latter may still do so when the
// loop has closed its own.
#include "io/bell.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace windlass::io {

void Bell::Rope::pull() const {
    constexpr std::uint64_t kOnce = 1;
    // It can only fail when it was rung 2^64 - 2 times and not heard: eventfd(2).
    [[maybe_unused]] const ssize_t size = ::write(descriptor_->number(), &kOnce, sizeof kOnce);
}

base::Result<std::unique_ptr<Bell>> Bell::make(Loop& loop, std::function<void()> on_ring) {
    FileDescriptor ours{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!ours) return system_error(errno, "making an eventfd");
    FileDescriptor theirs{::fcntl(ours.number(), F_DUPFD_CLOEXEC, 0)};
    if (!theirs) return system_error(errno, "duplicating an eventfd");
    Rope rope;
    rope.descriptor_ = std::make_shared<const FileDescriptor>(std::move(theirs));
    return std::unique_ptr<Bell>{
        new Bell{loop, std::move(ours), std::move(rope), std::move(on_ring)}};
}

Bell::Bell(Loop& loop, FileDescriptor ours, Rope rope, std::function<void()> on_ring)
    : rope_(std::move(rope)), on_ring_(std::move(on_ring)), readiness_(loop, std::move(ours)) {
    listen();
}

void Bell::listen() {
    readiness_.when_readable([this] {
        std::array<char, sizeof(std::uint64_t)> count{};
        read_some(readiness_.descriptor(), count);
        listen();
        on_ring_();
    });
}

}  // namespace windlass::io
