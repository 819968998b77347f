// Between the daemon, which gives places to requests for a model's own HTTP, and who carries them
// there. Thread: main.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "base/time.h"

namespace windlass::http {

// The place of a request that goes to a model's own HTTP, once it has one.
struct ForwardPlace {
    std::uint64_t request = 0;  // the backend's number
    std::string request_id;
    std::uint16_t port = 0;  // of 127.0.0.1; 0: it is the socket
    std::string socket;      // path of a Unix socket
    std::uint64_t copy = 0;  // generation of the replica
    int worker_pid = 0;
    std::string device;
    base::Duration limit = base::Duration::max();  // of the whole exchange with the program
};

// Whose sign of life it was that came: of the program, or of a client for whom it waits.
enum class Mover : std::uint8_t { program, client };

// What the daemon has to say of such a request. It lets go of them when it was answered and is
// over.
struct ForwardHooks {
    // Connect, and say so by forward_started(). Again after a stop() that came before that.
    std::move_only_function<void(ForwardPlace)> begin;
    // Its place is not its own any more: close, and say so by forward_ended(), but not from within.
    std::move_only_function<void()> stop;
    // Its client gets this error, whatever else becomes of it. At most once.
    std::move_only_function<void(std::string request_id, const base::Error&)> fail;
};

}  // namespace windlass::http
