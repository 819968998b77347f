// How a line of the access log looks. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/configuration.h"
#include "http/exchange_record.h"

namespace windlass::daemon {

struct WallTime {
    std::int64_t seconds;  // since 1970
    int milliseconds;
};

// One line with its end, whatever the client sent. `request_id` is "r17", or empty; `now` is when
// the request was over.
std::string access_line(const http::ExchangeRecord& record, std::string_view request_id,
                        WallTime now, LogFormat format);

}  // namespace windlass::daemon
