// Jobs as clients, the store and the engine know them, from one to the other. Pure functions; no
// decisions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/command.h"
#include "core/event.h"
#include "daemon/job_links.h"
#include "daemon/model_configuration.h"
#include "http/job_backend.h"
#include "http/job_status.h"
#include "http/queue_status.h"
#include "store/job.h"
#include "store/job_record.h"

namespace windlass::daemon {

std::string to_text(store::JobId job);  // "j17"
base::Result<store::JobId> read_job_id(std::string_view text);

// The queue of a model is that of its name, so that each variant has its own.
store::NewJob to_new_job(http::JobSubmission submission, const ModelConfiguration& model);

core::JobHead to_head(const store::NewJob& job, core::RequestId request, std::int64_t now_ms);
core::JobHead to_head(const store::JobHead& head, core::RequestId request, std::int64_t now_ms);
std::string to_text(const JobWorker& worker);  // "3 4711 cpu", as it is kept
JobWorker read_worker(const std::string& text);
store::StopCause to_cause(core::JobStopCause cause);
// `content_type`, `body`: of the answer of one that succeeded.
store::Settlement to_settlement(const core::SettleJob& command, std::string content_type,
                                std::string body);

base::Error to_error(const store::JobError& error);
std::string_view to_text(http::JobAction action);  // "cancel"
http::JobState to_state(store::JobState state);
store::JobState to_state(http::JobState state);
http::JobStatus to_status(const store::JobRecord& record);
http::JobAttempt to_attempt(const store::AttemptRecord& record);
store::JobQuery to_query(const http::JobFilter& filter);
http::JobCounts to_counts(const store::ModelCounts& counts);
// How long the next of them has waited for its turn; none: none waits.
std::optional<base::Duration> waiting_for(const store::ModelCounts& counts, std::int64_t now_ms);
http::JobReport to_report(const store::ModelStatistics& statistics);

}  // namespace windlass::daemon
