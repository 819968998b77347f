// What the `run` frame of an attempt at a job has more than that of a call.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace windlass::wire {

// Of a run that is an attempt at a job: what its hooks on_retry and fit are told.
struct Attempt {
    std::uint64_t number = 1;
    std::optional<base::Bytes> free = {};   // of its device, for it; empty: not known
    std::optional<base::Error> error = {};  // of the attempt before: type, message and cause

    friend bool operator==(const Attempt&, const Attempt&) = default;
};

}  // namespace windlass::wire
