// What `windlass events` is asked for.
#pragma once

#include <cstdint>
#include <string>

namespace windlass::cli {

struct EventsArguments {
    std::string url;
    std::string query;  // what is wanted, as GET /api/events has it
    std::uint64_t limit = 100;
    std::string since;  // all since then, not the latest; empty: these
    bool follow = false;
    bool json = false;
};

}  // namespace windlass::cli
