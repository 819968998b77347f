// Answers who asks why something waits.
#include "http/explain_api.h"

#include "http/explain_json.h"

namespace windlass::http {

Reply explain_all(const Backend& backend) { return Reply{.body = to_json(backend.explanations())}; }

Reply explain(const Backend& backend, const std::string& subject) {
    const base::Result<ExplanationStatus> told = backend.explain(subject);
    if (!told) return error_reply(told.error());
    return Reply{.body = to_json(*told)};
}

}  // namespace windlass::http
