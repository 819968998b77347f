// GET /api/explain: why something waits, and what is not well.
#pragma once

#include <cstdint>
#include <string>

#include "http/api.h"
#include "http/reply.h"

namespace windlass::http {

Reply explain_all(const Backend& backend);
// `subject`: the id of a request or job, or a model's name; any bytes.
// Of a job that is not held ready to begin, what is kept of it.
void explain(Backend& backend, const std::string& subject, std::int64_t now_ms, Respond respond);

}  // namespace windlass::http
