// Non-blocking sockets and poll(), so that no step can outlast its deadline.
#include "client/channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
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
    if (errno_value == EACCES) {
        return base::fail(base::Errc::permission_denied,
                          "permission denied; run as the user whose daemon it is");
    }
    // A Unix socket whose file is not there is one where nobody listens.
    const bool is_refused = errno_value == ECONNREFUSED || errno_value == ENOENT;
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

int start_connecting(int socket, const std::string& address, std::uint16_t port) {
    if (address.find(':') != std::string::npos) {
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

// SO_SNDTIMEO for what is left of the time; never 0, which would mean for ever.
timeval time_left(Deadline deadline) {
    using namespace std::chrono_literals;
    const auto left = std::chrono::ceil<std::chrono::microseconds>(deadline - steady_clock::now());
    const auto bounded = std::clamp<std::chrono::microseconds>(left, 1us, 1h).count();
    return {.tv_sec = bounded / 1'000'000, .tv_usec = bounded % 1'000'000};
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
    const bool is_path = address.starts_with('/');
    const bool is_v6 = !is_path && address.find(':') != std::string::npos;
    const int family = is_path ? AF_UNIX : is_v6 ? AF_INET6 : AF_INET;
    Channel channel{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (channel.socket_ < 0) return connection_error(errno);
    WL_TRY(is_path ? channel.connect_unix(address, deadline)
                   : channel.connect_ip(address, port, deadline));
    return channel;
}

base::Result<void> Channel::connect_ip(const std::string& address, std::uint16_t port,
                                       Deadline deadline) {
    set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
    // A daemon's machine that lost power never says good-bye.
    set_option(socket_, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket_, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_option(socket_, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_option(socket_, IPPROTO_TCP, TCP_KEEPCNT, 3);
    if (start_connecting(socket_, address, port) == 0) return {};
    if (errno != EINPROGRESS && errno != EINTR) return connection_error(errno);
    return finish_connecting(deadline);
}

base::Result<void> Channel::connect_unix(const std::string& path, Deadline deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
    // Where the listener's backlog is full, a non-blocking connect() fails at once and poll() never
    // tells of room (unix(7), EAGAIN). A blocking one waits for it, for as long as SO_SNDTIMEO
    // says.
    const int flags = ::fcntl(socket_, F_GETFL);
    ::fcntl(socket_, F_SETFL, flags & ~O_NONBLOCK);
    int result = 0;
    do {
        if (steady_clock::now() >= deadline) return timed_out();
        const timeval left = time_left(deadline);
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof(left));
        result = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    } while (result != 0 && (errno == EINTR || errno == EAGAIN));
    if (result != 0) return connection_error(errno);
    ::fcntl(socket_, F_SETFL, flags);
    return {};
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
