// Waits on descriptors through Asio, which watches them with epoll.
#include "io/readiness.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <utility>

#include "base/assert.h"

namespace windlass::io {

namespace {
namespace asio = boost::asio;
using Watched = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;
}  // namespace

struct Readiness::State {
    explicit State(Loop& loop) : watched(loop.context().get_executor()) {}
    Watched watched;
    bool is_open = true;
};

Readiness::Readiness(Loop& loop, FileDescriptor descriptor)
    : loop_(&loop), state_(std::make_shared<State>(loop)) {
    boost::system::error_code failed;
    state_->watched.assign(descriptor.release(), failed);
    // epoll refuses only what it cannot watch, or for lack of memory, which ends us anyway.
    WL_ASSERT(!failed);
    state_->watched.non_blocking(true, failed);
}

Readiness::~Readiness() { close(); }

void Readiness::close() {
    state_->is_open = false;
    boost::system::error_code ignored;
    state_->watched.close(ignored);
}

void Readiness::when_readable(Callback callback) {
    state_->watched.async_wait(Watched::wait_read, [state = state_, callback = std::move(callback)](
                                                       boost::system::error_code) mutable {
        if (state->is_open) callback();
    });
}

void Readiness::when_writable(Callback callback) {
    state_->watched.async_wait(
        Watched::wait_write,
        [state = state_, callback = std::move(callback)](boost::system::error_code) mutable {
            if (state->is_open) callback();
        });
}

void Readiness::at_turn_end(Callback callback) {
    loop_->defer([state = state_, callback = std::move(callback)]() mutable {
        if (state->is_open) callback();
    });
}

int Readiness::descriptor() const { return state_->watched.native_handle(); }

}  // namespace windlass::io
