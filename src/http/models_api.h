// GET /api/models, GET /api/models/{model}, POST .../load and .../unload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/api.h"
#include "http/reply.h"

namespace windlass::http {

Reply list_models(const Backend& backend);
Reply show_model(const Backend& backend, const std::string& model);

struct ModelOrder {
    std::string model;
    std::optional<base::Duration> timeout;
};
// These return the backend's number of the request; 0 when `respond` was called already.
std::uint64_t perform_load(ModelOrder order, Backend& backend, Respond respond);
std::uint64_t perform_unload(ModelOrder order, Backend& backend, Respond respond);

}  // namespace windlass::http
