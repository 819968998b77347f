// GET /api/explain: why something waits, and what is not well.
#pragma once

#include <string>

#include "http/api.h"
#include "http/reply.h"

namespace windlass::http {

Reply explain_all(const Backend& backend);
// `subject`: a request's id, or a model's name; any bytes.
Reply explain(const Backend& backend, const std::string& subject);

}  // namespace windlass::http
