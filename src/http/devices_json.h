// The JSON body of GET /api/devices.
#pragma once

#include <string>

#include "http/device_status.h"

namespace windlass::http {

std::string to_json(const DevicesStatus& status);

}  // namespace windlass::http
