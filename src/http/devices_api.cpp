// What there is to see of devices.
#include "http/devices_api.h"

#include "http/devices_json.h"

namespace windlass::http {

Reply list_devices(const Backend& backend) { return Reply{.body = to_json(backend.devices())}; }

}  // namespace windlass::http
