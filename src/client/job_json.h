// What a daemon says when it accepts a job.
#pragma once

#include <optional>
#include <string_view>

#include "windlass/job.h"

namespace windlass::client {

// Empty when no daemon says so.
std::optional<JobTicket> parse_ticket(std::string_view body);

}  // namespace windlass::client
