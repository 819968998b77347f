// Bytes out, bytes in.
#include "macro/load_connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <charconv>

namespace windlass::bench {

void LoadConnection::send_more() {
    const std::string& request = exchange_->request;
    while (sent_ < request.size()) {
        const ssize_t count =
            send(fd_, request.data() + sent_, request.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count <= 0) return;
        sent_ += static_cast<std::size_t>(count);
    }
}

LoadConnection::Step LoadConnection::read_head(std::string_view bytes) {
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return Step::again;
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t field = head_.find(kLength);
    if (field == std::string::npos || field > end) return Step::broken;
    std::size_t length = 0;
    const char* digits = head_.data() + field + kLength.size();
    std::from_chars(digits, head_.data() + end, length);
    is_good_ = head_.starts_with("HTTP/1.1 200 ");
    expected_ = end + 4 + length;
    return Step::answered;
}

LoadConnection::Step LoadConnection::read_more() {
    thread_local std::vector<char> buffer(1 << 18);
    if (exchange_->raw_reply != 0) expected_ = exchange_->raw_reply;
    while (true) {
        const ssize_t count = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return Step::again;
        if (count <= 0) return Step::broken;
        const auto size = static_cast<std::size_t>(count);
        received_ += size;
        if (expected_ == 0) {
            const Step step = read_head({buffer.data(), size});
            if (step == Step::broken) return step;
        }
        if (expected_ == 0 || received_ < expected_) continue;
        if (received_ > expected_) return Step::broken;
        return is_good_ ? Step::answered : Step::refused;
    }
}

}  // namespace windlass::bench
