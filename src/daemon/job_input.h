// What becomes of a claimed job on its way to a worker. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "core/ids.h"
#include "io/stream.h"
#include "store/job.h"

namespace windlass::daemon {

// What a worker is given for an attempt.
struct JobInput {
    core::ModelId model;
    store::JobId job;
    std::string content_type;
    std::string variant;
    io::SharedBytes body;
    std::string settings = {};                   // JSON: `body`, if it is not what was submitted
    std::uint64_t number = 1;                    // of the attempt, 1 is the first
    std::optional<base::Error> last_error = {};  // of the attempt before, if there is one to blame
};

// An attempt begins with what the one before ran with.
JobInput to_input(core::ModelId model, store::ClaimedJob claimed);

}  // namespace windlass::daemon
