// For tests: a client of few words. It sends the bytes it is given and keeps those it gets; nothing
// of it blocks, so that it shares the loop with the server.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "io/readiness.h"

namespace windlass::http::testing {

// Owns nothing when nobody listens there.
inline io::FileDescriptor connect_to_loopback(std::uint16_t port) {
    io::FileDescriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.number(), generic, sizeof(address)) != 0) socket.reset();
    return socket;
}

inline io::FileDescriptor connect_to_path(const std::string& path) {
    io::FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, std::begin(address.sun_path));
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.number(), generic, sizeof(address)) != 0) socket.reset();
    return socket;
}

inline bool is_listening(std::uint16_t port) { return bool{connect_to_loopback(port)}; }

class TestClient {
  public:
    TestClient(io::Loop& loop, std::uint16_t port) : TestClient(loop, connect_to_loopback(port)) {}
    TestClient(io::Loop& loop, io::FileDescriptor socket)
        : loop_(loop), socket_(loop, std::move(socket)) {
        resume_reading();
    }

    void send(std::string_view bytes) {
        output_ += bytes;
        write();
    }
    void pause_reading() { is_reading_ = false; }
    void resume_reading() {
        is_reading_ = true;
        socket_.when_readable([this] { read(); });
    }
    void close() { socket_.close(); }
    void close_sending() { ::shutdown(socket_.descriptor(), SHUT_WR); }
    // What a crash looks like from the other side.
    void reset() {
        const ::linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket_.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        socket_.close();
    }

    const std::string& received() const { return received_; }
    bool has_ended() const { return has_ended_; }  // the server closed its direction
    bool has_failed() const { return has_failed_; }
    bool has_sent_all() const { return output_.empty(); }

    // A whole reply at the front of what was received, its head and its body; 0 as size when it is
    // not all there.
    struct Size {
        std::size_t head = 0;
        std::size_t body = 0;
    };
    Size whole_reply(bool is_head_only = false) const {
        constexpr std::string_view kLength = "Content-Length: ";
        const std::size_t end = received_.find("\r\n\r\n");
        if (end == std::string::npos) return {};
        const std::size_t length = received_.find(kLength);
        const std::size_t head = end + 4;
        if (is_head_only || length > end) return {.head = head};
        const std::size_t body = std::stoull(received_.substr(length + kLength.size(), 20));
        return received_.size() >= head + body ? Size{head, body} : Size{};
    }
    std::string take(std::size_t size) {
        std::string taken = received_.substr(0, size);
        received_.erase(0, size);
        return taken;
    }

  private:
    void write() {
        while (!output_.empty()) {
            const ssize_t size = ::send(socket_.descriptor(), output_.data() + sent_,
                                        output_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (size < 0 && errno == EAGAIN) return socket_.when_writable([this] { write(); });
            if (size < 0) {
                has_failed_ = true;
                return;
            }
            sent_ += static_cast<std::size_t>(size);
            if (sent_ < output_.size()) continue;
            output_.clear();
            sent_ = 0;
        }
    }
    void read() {
        if (!is_reading_) return;
        const std::span<char> room = loop_.scratch();
        const io::ReadOutcome outcome = io::read_some(socket_.descriptor(), room);
        received_.append(room.data(), outcome.size);
        has_ended_ = has_ended_ || outcome.is_end;
        has_failed_ = has_failed_ || outcome.errno_value != 0;
        if (!has_ended_ && !has_failed_) socket_.when_readable([this] { read(); });
    }

    io::Loop& loop_;
    io::Readiness socket_;
    std::string output_;
    std::size_t sent_ = 0;
    std::string received_;
    bool is_reading_ = true;
    bool has_ended_ = false;
    bool has_failed_ = false;
};

}  // namespace windlass::http::testing
