// Non-blocking sockets and poll(), so that no step can outlast its deadline.
#include "client/channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace windlass::client {
namespace {

using std::chrono::steady_clock;

base::Error unavailable(const char* reason, std::string message) {
    base::Error error = base::fail(base::Errc::unavailable, std::move(message));
    error.reason = reason;
    return error;
}

base::Error timed_out() { return base::fail(base::Errc::timeout, "the time was up"); }

base::Error connection_error(int errno_value) {
    const bool is_refused = errno_value == ECONNREFUSED;
    return unavailable(is_refused ? "connection_refused" : "connection_lost",
                       std::generic_category().message(errno_value));
}

// Milliseconds for poll(), rounded up, so that it is not called again and again at the end.
int poll_timeout(Deadline deadline) {
    using namespace std::chrono_literals;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    return static_cast<int>(std::clamp<std::chrono::milliseconds>(left, 0ms, 1h).count());
}

// Which of `events` are there.
base::Result<short> wait_for(int socket, short events, Deadline deadline) {
    for (;;) {
        pollfd poll{.fd = socket, .events = events, .revents = 0};
        const int ready = ::poll(&poll, 1, poll_timeout(deadline));
        if (ready > 0) return poll.revents;
        if (ready < 0 && errno != EINTR) return connection_error(errno);
        if (steady_clock::now() >= deadline) return timed_out();
    }
}

void set_option(int socket, int level, int name, int value) {
    ::setsockopt(socket, level, name, &value, sizeof(value));  // only refinements
}

int start_connecting(const std::string& address, std::uint16_t port, int socket, int family) {
    if (family == AF_INET6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr);
        return ::connect(socket, reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &v4.sin_addr);
    return ::connect(socket, reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
}

}  // namespace

Deadline deadline_after(std::chrono::nanoseconds duration) {
    const Deadline now = steady_clock::now();
    return duration > Deadline::max() - now ? Deadline::max() : now + duration;
}

Channel::Channel(Channel&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

Channel& Channel::operator=(Channel&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
}

Channel::~Channel() {
    if (socket_ >= 0) ::close(socket_);
}

base::Result<Channel> Channel::connect(const std::string& address, std::uint16_t port,
                                       Deadline deadline) {
    const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
    Channel channel{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
    if (channel.socket_ < 0) return connection_error(errno);
    set_option(channel.socket_, IPPROTO_TCP, TCP_NODELAY, 1);
    // A daemon's machine that lost power never says good-bye.
    set_option(channel.socket_, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(channel.socket_, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_option(channel.socket_, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_option(channel.socket_, IPPROTO_TCP, TCP_KEEPCNT, 3);
    if (start_connecting(address, port, channel.socket_, family) != 0) {
        if (errno != EINPROGRESS && errno != EINTR) return connection_error(errno);
        WL_TRY(channel.finish_connecting(deadline));
    }
    return channel;
}

base::Result<void> Channel::finish_connecting(Deadline deadline) {
    WL_TRY(wait_for(socket_, POLLOUT, deadline));
    int errno_value = 0;
    socklen_t size = sizeof(errno_value);
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &errno_value, &size);
    if (errno_value != 0) return connection_error(errno_value);
    return {};
}

base::Result<void> Channel::send(std::string_view head, std::string_view body, Deadline deadline) {
    const auto to_iovec = [](std::string_view text) {
        // sendmsg() does not write there.
        return iovec{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    };
    while (!head.empty() || !body.empty()) {
        std::array<iovec, 2> pieces = {to_iovec(head), to_iovec(body)};
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = pieces.size();
        const ssize_t sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            const short ready = WL_TRY(wait_for(socket_, POLLOUT | POLLIN, deadline));
            if ((ready & POLLIN) != 0) return {};
        } else if (sent < 0 && errno != EINTR) {
            return connection_error(errno);
        } else if (sent > 0) {
            const std::size_t of_head = std::min(head.size(), static_cast<std::size_t>(sent));
            head.remove_prefix(of_head);
            body.remove_prefix(static_cast<std::size_t>(sent) - of_head);
        }
    }
    return {};
}

base::Result<std::size_t> Channel::receive(std::span<char> into, Deadline deadline) {
    for (;;) {
        const ssize_t size = ::recv(socket_, into.data(), into.size(), 0);
        if (size >= 0) return static_cast<std::size_t>(size);
        if (errno == EAGAIN) {
            WL_TRY(wait_for(socket_, POLLIN, deadline));
        } else if (errno != EINTR) {
            return connection_error(errno);
        }
    }
}

bool Channel::is_quiet() const {
    pollfd poll{.fd = socket_, .events = POLLIN | POLLRDHUP, .revents = 0};
    return ::poll(&poll, 1, 0) == 0;
}

}  // namespace windlass::client
