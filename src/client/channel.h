// One connection, over TCP or a Unix socket. Every step ends at its deadline at the latest.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace windlass::client {

using Deadline = std::chrono::steady_clock::time_point;

// Now and `duration`, but never past the end of time.
Deadline deadline_after(std::chrono::nanoseconds duration);

// Errors are `timeout` at a deadline and else `unavailable`, with the reason "connection_refused"
// when nobody listens and "connection_lost" when the other side went away; `permission_denied` for
// a Unix socket of somebody else.
class Channel {
  public:
    // `address` is an IP address, or the absolute path of a Unix socket, which has no port.
    static base::Result<Channel> connect(const std::string& address, std::uint16_t port,
                                         Deadline deadline);
    Channel(Channel&& other) noexcept;
    Channel& operator=(Channel&& other) noexcept;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel();

    // Sends both pieces, the first before the second. Ends early, as a success, when the other side
    // answers before it has all: what it says then is worth more than sending on.
    base::Result<void> send(std::string_view head, std::string_view body, Deadline deadline);

    // How many bytes came; 0 at the orderly end of the connection.
    base::Result<std::size_t> receive(std::span<char> into, Deadline deadline);

    // Whether nothing came and nobody closed it: what must hold before a kept connection is used
    // again.
    bool is_quiet() const;

  private:
    explicit Channel(int socket) : socket_(socket) {}
    base::Result<void> connect_ip(const std::string& address, std::uint16_t port,
                                  Deadline deadline);
    base::Result<void> connect_unix(const std::string& path, Deadline deadline);
    base::Result<void> finish_connecting(Deadline deadline);

    int socket_;
};

}  // namespace windlass::client
