// For tests: whether every child is reaped.
#pragma once

#include <sys/wait.h>

#include <cerrno>

#include "io/loop.h"
#include "io/orphans.h"
#include "io/testing/run_until.h"

namespace windlass::worker::testing {

// No child is left, not even a zombie, once those were reaped that were killed without waiting.
inline bool has_no_children_soon(io::Loop& loop) {
    return io::testing::run_until(loop, [&] {
        io::reap_orphans();
        loop.post([] {});
        return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
    });
}

}  // namespace windlass::worker::testing
