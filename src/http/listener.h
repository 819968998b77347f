// A listening TCP socket.
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

// The next connection that waits, ready for use; empty when none waits. Errors: what accept() says,
// after which it is no use to try again at once.
base::Result<io::FileDescriptor> accept_connection(int listening_socket);

}  // namespace windlass::http
