// GET /api/workers, POST /api/workers/{id}/kill and GET /api/incidents.
#pragma once

#include <string>

#include "http/api.h"
#include "http/reply.h"

namespace windlass::http {

Reply list_workers(const Backend& backend);
// `id` as it stands in the path.
Reply kill_worker(Backend& backend, const std::string& id);
Reply list_incidents(const Backend& backend);

}  // namespace windlass::http
