// How a line of the access log looks. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/configuration.h"
#include "http/exchange_record.h"

namespace windlass::daemon {

// One line with its end, whatever the client sent. `request_id` is "r17", or empty; `now_ms` is
// when the request was over, since 1970.
std::string access_line(const http::ExchangeRecord& record, std::string_view request_id,
                        std::int64_t now_ms, LogFormat format);

}  // namespace windlass::daemon
