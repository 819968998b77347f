// The daemon's own state.
#include "http/health_api.h"

#include "http/models_json.h"

namespace windlass::http {

Reply show_health(const Backend& backend) { return Reply{.body = to_json(backend.health())}; }

}  // namespace windlass::http
