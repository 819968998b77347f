// Waiting for a job, and showing how far it is meanwhile.
#pragma once

#include <windlass/client.h>

#include <string>

#include "cli/job_json.h"

namespace windlass::cli {

struct FollowedJob {
    JobView job;
    std::string json;  // of the API
};

enum class Following : std::uint8_t {
    quietly,
    visibly,  // on stderr: one line that changes on a terminal, else a line for what is new
};

// Until it is over. A daemon that goes away is waited for, once it has answered: its jobs outlive
// it. Fails for what cannot be otherwise the next time: the job is not there, or no daemon is.
Outcome<FollowedJob> follow_job(Client& client, const std::string& id, Following how);

}  // namespace windlass::cli
