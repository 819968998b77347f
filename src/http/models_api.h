// GET /api/models, GET /api/models/{model}, and what an administrator orders with POST.
#pragma once

#include <cstdint>
#include <string>

#include "http/api.h"
#include "http/reply.h"

namespace windlass::http {

Reply list_models(const Backend& backend);
Reply show_model(const Backend& backend, const std::string& model);

// Returns the backend's number of the request; 0 when `respond` was called already.
std::uint64_t perform_order(ModelOrder order, Backend& backend, Respond respond);

}  // namespace windlass::http
