// What all connections of a server have in common. Thread: the loop's.
#pragma once

#include <functional>

#include "http/api.h"
#include "http/date_text.h"
#include "http/origin_guard.h"
#include "http/server.h"
#include "io/loop.h"

namespace windlass::http {

class Connection;

// Outlives them.
struct ConnectionContext {
    io::Loop& loop;
    Backend& backend;
    ServerOptions options;
    OriginGuard guard;
    DateText date = {};
    ConnectionCounters counters = {};
    bool stopping = false;  // replies close their connection
    std::function<void(Connection&)> on_closed = {};
};

}  // namespace windlass::http
