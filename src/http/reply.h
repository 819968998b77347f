// What goes back to a client, and how it looks on the wire.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/exchange_record.h"
#include "http/reply_stream.h"

namespace windlass::http {

// A body that is made while it is sent.
struct StreamBody {
    std::optional<std::uint64_t> length = {};  // of all pieces together, if it is known before
    // Called once the reply is under way, unless it has no body: for HEAD, and with a status that
    // forbids one (204, 304). May write and end at once.
    std::move_only_function<void(ReplyStream)> start;
};

struct Reply {
    int status = 200;
    std::string content_type = "application/json";  // empty: nothing is said of it
    std::string fields = {};  // further header lines, each ended by CRLF; see append_field
    std::string body = {};
    Trace trace = {};
    std::optional<StreamBody> stream = {};  // instead of `body`
};

using Respond = std::move_only_function<void(Reply)>;

// A request that is answered by HTTP's own rules; `status` counts, not the error's usual one.
struct Refusal {
    int status = 0;
    base::Error error = {};
    std::string allow = {};  // the methods that a 405 names
};

// Appends "name: value\r\n". Bytes that could end the line early, or that HTTP forbids in a value,
// become spaces: some values come from workers.
void append_field(std::string& fields, std::string_view name, std::string_view value);

struct ErrorContext {
    std::string request_id = {};
    std::string model = {};
    std::string job = {};
};

// The JSON error body with the status of the error's type, Retry-After and X-Windlass-Request-Id.
Reply error_reply(const base::Error& error, const ErrorContext& context = {});
Reply refusal_reply(const Refusal& refusal);

// How a client learns where a body ends.
enum class Framing : std::uint8_t {
    length,       // by its length
    chunked,      // by the last chunk
    until_close,  // by the end of the connection: HTTP/1.0 has nothing better for streams
    no_body,      // there is none, whatever is said
};
Framing framing_of(const Reply& reply, bool is_http11);

struct HeadOptions {
    std::string_view date;  // as in RFC 9110 section 5.6.7
    bool close = false;
    bool name_keep_alive = false;  // an HTTP/1.0 client must be told that its wish was granted
    Framing framing = Framing::length;
};

// The status line and all header lines, up to and with the empty one.
std::string format_head(const Reply& reply, const HeadOptions& options);

}  // namespace windlass::http
