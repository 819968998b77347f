// Setting sockets up.
#include "macro/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/core.h>

namespace windlass::bench {
namespace {

struct Address {
    union {
        sockaddr any;
        sockaddr_in tcp;
        sockaddr_un local;
    };
    socklen_t size;
};

Address parse(const std::string& text) {
    Address address;
    std::memset(&address, 0, sizeof address);
    if (text.starts_with('/')) {
        address.local.sun_family = AF_UNIX;
        text.copy(address.local.sun_path, sizeof address.local.sun_path - 1);
        address.size = sizeof address.local;
        return address;
    }
    address.tcp.sin_family = AF_INET;
    address.tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string port = text.substr(text.rfind(':') + 1);
    address.tcp.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port.c_str())));
    address.size = sizeof address.tcp;
    return address;
}

int make_socket(const Address& address) {
    const int socket_fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0) give_up("socket");
    const int on = 1;
    if (address.any.sa_family == AF_INET) {
        setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    return socket_fd;
}

}  // namespace

void give_up(const std::string& what) {
    fmt::print(stderr, "bench: {}: {}\n", what, std::strerror(errno));
    std::exit(1);
}

int connect_to(const std::string& text) {
    const Address address = parse(text);
    for (int tries = 0; tries < 1'000; ++tries) {
        const int socket_fd = make_socket(address);
        if (connect(socket_fd, &address.any, address.size) == 0) return socket_fd;
        close(socket_fd);
        poll(nullptr, 0, 10);
    }
    give_up("connect to " + text);
}

int listen_at(const std::string& text) {
    Address address = parse(text);
    if (text.starts_with('/')) unlink(text.c_str());
    const int listener = make_socket(address);
    if (bind(listener, &address.any, address.size) != 0) give_up("bind " + text);
    if (listen(listener, SOMAXCONN) != 0) give_up("listen at " + text);
    if (!text.starts_with('/')) {
        getsockname(listener, &address.any, &address.size);
        fmt::print("127.0.0.1:{}\n", ntohs(address.tcp.sin_port));
    } else {
        fmt::print("{}\n", text);
    }
    std::fflush(stdout);
    return listener;
}

int accept_from(int listener) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) give_up("accept");
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // a Unix socket refuses
    return connection;
}

}  // namespace windlass::bench
