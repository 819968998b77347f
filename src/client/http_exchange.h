// Requests and their responses over one kept connection.
#pragma once

#include <chrono>
#include <functional>
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

    // A GET whose answer does not end by itself: hands on its body as it comes until the other side
    // ends it, or `on_piece` is false. `timeout` is for the head, and then for each piece. The
    // answer has no body but for another status than 200. Errors as above.
    using OnPiece = std::function<bool(std::string_view piece)>;
    base::Result<Response> stream(const Request& request, const OnPiece& on_piece);

  private:
    base::Result<Channel> take_channel(Deadline deadline);
    base::Result<Channel> connect(Deadline deadline) const;
    base::Result<Response> attempt(const Request& request, Deadline deadline);
    base::Result<Response> attempt_stream(const Request& request, const OnPiece& on_piece) const;
    base::Result<Response> receive(Channel& channel, Deadline deadline) const;
    enum class Version { http10, http11 };
    std::string format_head(const Request& request, Version version = Version::http11) const;
    base::Error explain(base::Error error, const Request& request) const;

    Url url_;
    std::string name_;
    Limits limits_;
    std::optional<Channel> kept_;  // after a response that left the connection open
    Deadline last_used_ = {};
};

}  // namespace windlass::client
