// Names of the states of jobs.
#include <algorithm>
#include <array>

#include "http/job_status.h"

namespace windlass::http {
namespace {

constexpr auto kNames = std::to_array<std::string_view>(
    {"scheduled", "available", "held", "running", "succeeded", "failed", "cancelled"});
static_assert(kNames.size() == kJobStateCount);

}  // namespace

std::string_view to_text(JobState state) { return kNames.at(static_cast<std::size_t>(state)); }

std::optional<JobState> find_job_state(std::string_view name) {
    const auto* found = std::ranges::find(kNames, name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<JobState>(found - kNames.begin());
}

}  // namespace windlass::http
