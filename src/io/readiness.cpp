// Waits on descriptors through the loop's poller.
#include "io/readiness.h"

#include <fcntl.h>

#include <utility>

#include "base/assert.h"
#include "io/poller.h"

namespace windlass::io {

Readiness::Readiness(Loop& loop, FileDescriptor descriptor)
    : loop_(&loop), watch_(std::make_shared<Watch>(std::move(descriptor))) {
    const int flags = ::fcntl(watch_->descriptor.number(), F_GETFL);
    WL_ASSERT(flags >= 0);  // a closed descriptor is a bug of ours
    if ((flags & O_NONBLOCK) == 0) {
        ::fcntl(watch_->descriptor.number(), F_SETFL, flags | O_NONBLOCK);
    }
}

Readiness::~Readiness() { close(); }

void Readiness::close() { loop_->poller().close(watch_); }

void Readiness::when_readable(Callback callback) {
    watch_->on_readable = std::move(callback);
    loop_->poller().attend(*watch_);
}

void Readiness::when_writable(Callback callback) {
    watch_->on_writable = std::move(callback);
    loop_->poller().attend(*watch_);
}

void Readiness::at_turn_end(Callback callback) {
    loop_->defer([watch = watch_, callback = std::move(callback)]() mutable {
        if (watch->descriptor) callback();
    });
}

int Readiness::descriptor() const { return watch_->descriptor.number(); }

}  // namespace windlass::io
