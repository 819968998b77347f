// What a desk for jobs and the switchboard, which knows engine, models and workers, need of each
// other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/event.h"
#include "daemon/model_configuration.h"
#include "http/job_status.h"

namespace windlass::daemon {

// Who runs an attempt.
struct JobWorker {
    std::uint64_t worker = 0;
    int pid = 0;  // 0: not known
    std::string device = {};
};

// Where an attempt runs, and how far it says it is.
struct JobPlace {
    JobWorker worker = {};
    std::optional<http::ProgressStatus> progress = {};
    std::optional<base::Duration> running_for = {};
};

struct JobLinks {
    std::function<void(const core::Event&)> handle;  // to the engine, from the loop only
    std::function<base::Result<core::ModelId>(const std::string& model,
                                              const std::optional<std::string>& variant)>
        find_model;
    std::function<std::optional<core::ModelId>(const std::string& name)> find_name;
    std::function<const ModelConfiguration&(core::ModelId)> configuration;
    std::function<bool(core::ModelId)> would_claim;  // a new job of it, at once
    std::function<core::RequestId()> new_request;
    std::function<std::optional<JobPlace>(core::RequestId)> place;  // none: it did not begin
    std::function<JobWorker(core::Generation)> worker;              // while it lives
    std::function<std::vector<std::string>()> paused;               // models
};

}  // namespace windlass::daemon
