// POST /api/models/{model}/call.
#pragma once

#include <cstdint>
#include <string>

#include "http/api.h"
#include "http/headers.h"
#include "http/reply.h"

namespace windlass::http {

// Everything but the body. Errors: invalid_input for a bad header field.
base::Result<CallRequest> read_call(std::string model, const Headers& headers);

// Returns the backend's number of the call; 0 when `respond` was called already.
std::uint64_t perform_call(CallRequest request, Backend& backend, Respond respond);

}  // namespace windlass::http
