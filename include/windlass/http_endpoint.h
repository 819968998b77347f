/// A model in C++ that is reached by HTTP of its own, beside or instead of run(). Derive a model
/// from this beside windlass::worker::Model.
#pragma once

#include <cstdint>
#include <string>

namespace windlass::worker {

/// Where it listens on this machine: a port of 127.0.0.1, or the absolute path of a Unix socket.
struct HttpAddress {
    std::uint16_t port = 0;   ///< 0: it is the socket
    std::string socket = {};  ///< empty: it is the port
};

/// Asked once, when load() has succeeded. From then on the daemon hands requests to
/// /api/models/NAME/http/... over to that address; each counts as a run, which run() is not called
/// for.
class HttpEndpoint {
  public:
    virtual ~HttpEndpoint() = default;

    virtual HttpAddress http_address() const = 0;
};

}  // namespace windlass::worker
