// GET /api/devices.
#pragma once

#include "http/api.h"
#include "http/reply.h"

namespace windlass::http {

// From what is known; asks no driver, and so never waits for one.
Reply list_devices(const Backend& backend);

}  // namespace windlass::http
