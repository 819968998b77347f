// A listening TCP socket, and accepting from any.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "io/file_descriptor.h"

namespace windlass::http {

struct Listener {
    io::FileDescriptor socket;  // non-blocking
    std::uint16_t port;
};

// `address` is an IPv4 or IPv6 address or "localhost"; port 0 takes any that is free. Errors as in
// Server::listen.
base::Result<Listener> open_listener(const std::string& address, std::uint16_t port);

enum class Transport : std::uint8_t { tcp, unix_socket };

struct Arrival {
    io::FileDescriptor socket;  // owns none: nobody waits
    std::string client;         // "127.0.0.1:40112", "[::1]:40112" or "unix"
};

// The next connection that waits, ready for use. Errors: what accept() says, after which it is no
// use to try again at once.
base::Result<Arrival> accept_connection(int listening_socket, Transport transport);

}  // namespace windlass::http
