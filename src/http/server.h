// The HTTP/1.1 surface: listens, and hands what is asked to a Backend. Decides nothing about
// models. Thread: the loop's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "http/api.h"
#include "http/exchange_record.h"
#include "io/loop.h"

namespace windlass::http {

struct ServerOptions {
    std::string address = "127.0.0.1";            // an IPv4 or IPv6 address, or "localhost"
    std::uint16_t port = 7411;                    // 0: any that is free
    std::string socket_path = {};                 // of the Unix socket beside it; empty: none
    std::vector<std::string> allowed_hosts = {};  // names in Host and Origin beside the local ones
    base::Bytes body_limit = base::Bytes{256U << 20};
    base::Bytes header_limit = base::Bytes{16U << 10};
    base::Bytes bodies_limit = base::Bytes{std::uint64_t{1} << 30};  // of all requests together
    std::size_t connections_max = 1024;  // those above it are answered `unavailable` and closed
    base::Duration idle_timeout = std::chrono::seconds{75};    // between two requests
    base::Duration header_timeout = std::chrono::seconds{15};  // first byte to end of the header
    base::Duration body_timeout = std::chrono::seconds{30};    // without a byte of a body
    base::Duration write_timeout = std::chrono::seconds{30};   // without a byte taken of a reply
    base::Duration linger_timeout = std::chrono::seconds{5};   // reply sent to end of connection
    base::Duration sweep_period = std::chrono::seconds{1};     // how exactly these are kept
    // Called once for each request when it is over; must not call the server.
    std::function<void(const ExchangeRecord&)> on_exchange = {};
    // Accepting fails, for want of descriptors as a rule, and is tried again after each sweep; and
    // later, without an error, that it works again. Must not call the server.
    std::function<void(std::optional<base::Error>)> on_accepting = {};
};

class Server {
  public:
    // Accepts connections from now on. `backend` must outlive the server, the server must go before
    // the loop. Errors: invalid_input for a bad address or path; conflict when port or path is
    // taken; permission_denied; else what the system says.
    static base::Result<std::unique_ptr<Server>> listen(io::Loop& loop,
                                                        const ServerOptions& options,
                                                        Backend& backend);
    // Ends all connections as they are; calls nothing of the backend.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const;

    // Shutting down: stop_accepting(), then, once the backend has answered what it had,
    // close_idle() until idle(). After stop_accepting() port and Unix socket are closed, its file
    // is gone, and each reply closes its connection.
    void stop_accepting();
    // Closes the connections on which nothing is under way.
    void close_idle();
    // Whether no connection has a request that began to arrive and was not wholly answered.
    bool idle() const;

    std::size_t connection_count() const;

  private:
    struct State;
    explicit Server(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace windlass::http
