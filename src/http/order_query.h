// What stands behind the "?" of an order: POST /api/models/NAME/load?wait=0.
#pragma once

#include <string_view>

#include "base/result.h"
#include "http/api.h"

namespace windlass::http {

struct OrderQuery {
    bool is_hint = false;    // load: wait=0
    bool is_forced = false;  // unload: force, force=1

    friend bool operator==(const OrderQuery&, const OrderQuery&) = default;
};

// `query` as it came. invalid_input for what the action does not know.
base::Result<OrderQuery> read_order_query(ModelAction action, std::string_view query);

}  // namespace windlass::http
