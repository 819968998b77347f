// What happened, as rows. Within a transaction of the caller's.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "store/sqlite/connection.h"
#include "store/store.h"

namespace windlass::store::sqlite {

// Gives them their numbers.
base::Result<void> insert_events(Connection& connection, std::vector<base::EventRecord>& events);
// Some of those that are not to be kept; all of them with calls enough.
base::Result<void> trim_events(Connection& connection, const EventRetention& retention);

// A reading goes through the table in steps, so that nobody who wants to write waits for long.
struct EventReading {
    base::EventQuery query;
    base::EventPage page = {};
    // Where it stands: what lies above that, or when the latest are wanted, below, is next.
    std::optional<std::uint64_t> position = {};
    bool is_over = false;
};
base::Result<void> read_step(Connection& connection, EventReading& reading);

}  // namespace windlass::store::sqlite
