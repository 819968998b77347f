// The system calls behind listening.
#include "http/listener.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace windlass::http {
namespace {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

template <class Address>
SocketAddress wrap(const Address& address) {
    SocketAddress wrapped;
    static_assert(sizeof(address) <= sizeof(wrapped.storage));
    std::memcpy(&wrapped.storage, &address, sizeof(address));
    wrapped.size = sizeof(address);
    return wrapped;
}

std::optional<SocketAddress> parse_address(const std::string& text, std::uint16_t port) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    const char* numeric = text == "localhost" ? "127.0.0.1" : text.c_str();
    if (inet_pton(AF_INET, numeric, &v4.sin_addr) == 1) return wrap(v4);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (inet_pton(AF_INET6, numeric, &v6.sin6_addr) == 1) return wrap(v6);
    return std::nullopt;
}

const sockaddr* generic(const SocketAddress& address) {
    return reinterpret_cast<const sockaddr*>(&address.storage);
}

base::Error bind_error(int errno_value, const std::string& address, std::uint16_t port) {
    const std::string doing = fmt::format("listening on {} port {}", address, port);
    if (errno_value == EADDRINUSE) {
        return base::fail(base::Errc::conflict,
                          doing +
                              ": another program listens there; stop it (it may be another "
                              "windlass), or set another port in listen under [daemon]");
    }
    if (errno_value == EADDRNOTAVAIL) {
        return base::fail(base::Errc::invalid_input,
                          doing +
                              ": this machine has no such address; set one that it has, such "
                              "as 127.0.0.1, in listen under [daemon]");
    }
    return io::system_error(errno_value, doing);
}

sockaddr* generic(SocketAddress& address) { return reinterpret_cast<sockaddr*>(&address.storage); }

std::uint16_t port_of(const SocketAddress& address) {
    if (address.storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address.storage, sizeof(v6));
        return ntohs(v6.sin6_port);
    }
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof(v4));
    return ntohs(v4.sin_port);
}

std::uint16_t port_of(int socket) {
    SocketAddress address;
    address.size = sizeof(address.storage);
    return ::getsockname(socket, generic(address), &address.size) == 0 ? port_of(address) : 0;
}

std::string to_text(const SocketAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address.storage, sizeof(v6));
        inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        return fmt::format("[{}]:{}", text.data(), port_of(address));
    }
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof(v4));
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), port_of(address));
}

void set_option(int socket, int level, int name, int value) {
    // None of these can fail on a TCP socket, and each is only a refinement.
    ::setsockopt(socket, level, name, &value, sizeof(value));
}

// A client whose machine lost power never says good-bye; this finds it after about a minute.
void prepare_connection(int socket) {
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

}  // namespace

base::Result<Listener> open_listener(const std::string& address, std::uint16_t port) {
    const std::optional<SocketAddress> parsed = parse_address(address, port);
    if (!parsed) {
        return base::fail(base::Errc::invalid_input,
                          fmt::format("listening on \"{}\": that is not an address; write one such "
                                      "as 127.0.0.1 or ::1 in listen under [daemon]",
                                      address));
    }
    io::FileDescriptor socket{::socket(parsed->storage.ss_family,
                                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
    if (!socket) return bind_error(errno, address, port);
    set_option(socket.number(), SOL_SOCKET, SO_REUSEADDR, 1);  // or a restart waits for TIME_WAIT
    if (::bind(socket.number(), generic(*parsed), parsed->size) != 0 ||
        ::listen(socket.number(), SOMAXCONN) != 0) {
        return bind_error(errno, address, port);
    }
    const std::uint16_t bound = port_of(socket.number());
    return Listener{.socket = std::move(socket), .port = bound};
}

base::Result<Arrival> accept_connection(int listening_socket, Transport transport) {
    for (;;) {
        SocketAddress client;
        client.size = sizeof(client.storage);
        io::FileDescriptor socket{::accept4(listening_socket, generic(client), &client.size,
                                            SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (socket) {
            if (transport == Transport::unix_socket) {
                return Arrival{.socket = std::move(socket), .client = "unix"};
            }
            prepare_connection(socket.number());
            return Arrival{.socket = std::move(socket), .client = to_text(client)};
        }
        if (errno == EAGAIN) return Arrival{};
        // The first two concern only the one connection, which is gone already.
        if (errno != ECONNABORTED && errno != EPROTO && errno != EINTR) {
            return io::system_error(errno, "accepting a connection");
        }
    }
}

}  // namespace windlass::http
