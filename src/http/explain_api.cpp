// Answers who asks why something waits.
#include "http/explain_api.h"

#include <utility>

#include "http/explain_json.h"
#include "http/job_explanation.h"

namespace windlass::http {

Reply explain_all(const Backend& backend) { return Reply{.body = to_json(backend.explanations())}; }

void explain(Backend& backend, const std::string& subject, std::int64_t now_ms, Respond respond) {
    const base::Result<ExplanationStatus> told = backend.explain(subject);
    if (told) return respond(Reply{.body = to_json(*told)});
    if (!is_job_id(subject)) return respond(error_reply(told.error()));
    backend.jobs().show(
        subject, {}, [now_ms, respond = std::move(respond)](base::Result<JobStatus> job) mutable {
            if (!job) return respond(error_reply(job.error()));
            respond(Reply{.body = to_json(explain_job(*job, now_ms))});
        });
}

}  // namespace windlass::http
