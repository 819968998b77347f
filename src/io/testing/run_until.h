// For tests: turns the loop until something holds, within a bound.
#pragma once

#include <functional>

#include "io/loop.h"

namespace windlass::io::testing {

// Checks `is_done` at the end of each turn. False when it did not hold within `limit`; generous,
// because it only has to tell a failure from a slow machine.
inline bool run_until(Loop& loop, const std::function<bool()>& is_done,
                      base::Duration limit = std::chrono::seconds{30}) {
    const base::Instant deadline = loop.now() + limit;
    bool done = false;
    loop.run([&](base::Instant now) -> std::optional<base::Instant> {
        done = is_done();
        if (done || now >= deadline) loop.stop();
        return deadline;
    });
    return done;
}

// One turn: what is ready, and the writes that came of it.
inline void run_turn(Loop& loop) {
    run_until(loop, [] { return true; });
}

}  // namespace windlass::io::testing
