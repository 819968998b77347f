// HTTP/1.x requests out of bytes. No socket, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/headers.h"
#include "http/reply.h"

namespace windlass::http {

struct RequestLimits {
    std::size_t head_bytes =
        std::size_t{16} * 1024;  // request line and header fields, CRLFs included
    std::uint64_t body_bytes = std::uint64_t{256} * 1024 * 1024;
};

struct RequestHead {
    std::string method;
    std::string target;
    Headers headers;
    bool http11 = true;
    bool keep_alive = true;  // as the client wishes it
    bool has_body = false;
    std::optional<std::uint64_t> content_length = {};  // as declared
    bool expects_continue = false;
};

class BeastRequestParser;

class RequestParser {
  public:
    explicit RequestParser(RequestLimits limits);
    ~RequestParser();
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;

    enum class Progress : std::uint8_t {
        need_more,  // feed again with what was not consumed and at least one byte more
        head_done,  // head() is filled; feed again for the body, also when there is none
        complete,   // take_body(), then reset() before the next request
    };
    struct Fed {
        std::size_t consumed;
        Progress progress;
    };
    // Consumes from the front of `bytes`, never beyond the present request. head_done comes exactly
    // once before complete. After a refusal (400, 413, 431, 501) nothing can be made of the
    // connection's bytes any more: answer and close.
    std::expected<Fed, Refusal> feed(std::string_view bytes);

    // Whether a byte of the present request was consumed.
    bool has_begun() const;
    // Empty until head_done.
    const RequestHead& head() const;
    std::uint64_t body_size() const;  // of what was not taken
    // What came of it since the last time.
    std::string take_body();
    // After head_done: 413 if the body says that it is larger than the limit. One that does not say
    // how large it is is refused on the way.
    std::optional<Refusal> check_length() const;
    // For who takes the body as it comes, instead.
    void lift_body_limit();
    void reset();

  private:
    std::expected<Fed, Refusal> feed_head(std::string_view bytes);
    std::expected<Fed, Refusal> feed_body(std::string_view bytes);

    RequestLimits limits_;
    std::size_t head_bytes_ = 0;
    std::unique_ptr<BeastRequestParser> parser_;
};

}  // namespace windlass::http
