// Requests and their responses over one kept connection.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/channel.h"
#include "client/response_parser.h"
#include "client/url.h"

namespace windlass::client {

struct Request {
    std::string_view method;
    std::string path;
    struct Field {
        std::string_view name;
        std::string value;
    };
    std::vector<Field> fields = {};
    std::string_view body = {};
    std::chrono::nanoseconds timeout;  // for all steps together
};

class HttpExchange {
  public:
    struct Limits {
        std::chrono::nanoseconds connect_timeout;
        std::uint64_t body_max;
    };
    // `name` is what messages call the daemon: its URL as the user wrote it.
    HttpExchange(Url url, std::string name, Limits limits);

    // Errors: invalid_input for a field's value that cannot stand in a header; timeout; unavailable
    // ("connection_refused", "connection_lost"); data_corrupt; unsupported for too large a
    // response. All name the daemon and say what to do. Only a GET is ever sent twice.
    base::Result<Response> perform(const Request& request);

  private:
    base::Result<Channel> take_channel(Deadline deadline);
    base::Result<Channel> connect(Deadline deadline) const;
    base::Result<Response> attempt(const Request& request, Deadline deadline);
    base::Result<Response> receive(Channel& channel, Deadline deadline) const;
    std::string format_head(const Request& request) const;
    base::Error explain(base::Error error, const Request& request) const;

    Url url_;
    std::string name_;
    Limits limits_;
    std::optional<Channel> kept_;  // after a response that left the connection open
    Deadline last_used_ = {};
};

}  // namespace windlass::client
