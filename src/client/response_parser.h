// HTTP/1.x responses out of bytes. No socket, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::client {

struct Response {
    struct Field {
        std::string name;  // in lower case
        std::string value;
    };
    int status = 0;
    std::vector<Field> fields = {};
    std::string body = {};
    bool keep_alive = false;

    // The first value under that name, in lower case; empty when there is none.
    std::string_view find(std::string_view name) const;
};

class BeastResponseParser;

class ResponseParser {
  public:
    explicit ResponseParser(std::uint64_t body_max);
    ~ResponseParser();
    ResponseParser(const ResponseParser&) = delete;
    ResponseParser& operator=(const ResponseParser&) = delete;

    // Takes all bytes that came. True when the response is complete; further bytes are dropped
    // then. Interim responses (1xx) are skipped. Errors: data_corrupt when it is not HTTP,
    // unsupported when the body is over the limit.
    base::Result<bool> feed(std::string_view bytes);
    // The other side closed: complete if the response ends that way, else unavailable with the
    // reason "connection_lost".
    base::Result<void> feed_end();
    Response take();

  private:
    std::uint64_t body_max_;
    std::unique_ptr<BeastResponseParser> parser_;
    std::string unparsed_;  // the beginning of a line of the head or of a chunk
};

}  // namespace windlass::client
