// Its socket, and Boost.Beast's parser for what comes back.
#include "http/upstream_connection.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/readiness.h"
#include "io/timer.h"

namespace windlass::http {
namespace {

namespace beast = boost::beast;
using BeastText = beast::string_view;
using namespace std::chrono_literals;

// A program whose backlog of connections is full takes no other for a while.
constexpr base::Duration kConnectTimeout = 10s;
constexpr base::Duration kConnectPause = 20ms;
constexpr std::size_t kHeadMax = std::size_t{64} << 10;

base::Error lost(std::string message) {
    return base::fail(base::Errc::worker_lost, std::move(message));
}

// What of a response is to be told, in its order.
class ResponseReader final : public beast::http::basic_parser<false> {
  public:
    explicit ResponseReader(bool is_bodiless) {
        header_limit(kHeadMax);
        body_limit(boost::none);
        skip(is_bodiless);
        eager(true);
    }

    // Whether these bytes can be put. Between chunks Beast 1.81 fails an assertion with fewer than
    // the five of "0 CRLF CRLF" once it has seen the last chunk, as in RequestParser.
    bool takes(std::string_view bytes) const {
        if (bytes.empty() || is_done()) return false;
        const bool is_between_chunks = is_header_done() && chunked() && chunk_left_ == 0;
        return !is_between_chunks || bytes.size() >= 5;
    }

    UpstreamHead head;
    std::string body = {};  // as much as came and was not taken

  private:
    using Code = beast::error_code;
    using Length = boost::optional<std::uint64_t>;

    void on_request_impl(beast::http::verb, BeastText, BeastText, int, Code&) override {}
    void on_response_impl(int status, BeastText, int, Code&) override { head.status = status; }
    void on_field_impl(beast::http::field, BeastText name, BeastText value, Code&) override {
        if (is_header_done()) return;  // a trailer; nobody asked for those
        head.headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    void on_header_impl(Code&) override {}
    void on_body_init_impl(const Length&, Code&) override {}
    std::size_t on_body_impl(BeastText bytes, Code&) override { return append(bytes); }
    void on_chunk_header_impl(std::uint64_t size, BeastText, Code&) override { chunk_left_ = size; }
    std::size_t on_chunk_body_impl(std::uint64_t left, BeastText bytes, Code&) override {
        chunk_left_ = left - bytes.size();
        return append(bytes);
    }
    void on_finish_impl(Code&) override {}

    std::size_t append(BeastText bytes) {
        body.append(bytes.data(), bytes.size());
        return bytes.size();
    }

    std::uint64_t chunk_left_ = 0;  // of the present chunk's bytes
};

// The backlog of a Unix socket is full; or nobody listens, because the program has just died: then
// its worker is about to be lost, and who was not connected goes to the next one.
bool is_for_now(int errno_value) {
    return errno_value == EAGAIN || errno_value == ECONNREFUSED || errno_value == ENOENT;
}

bool is_interim(int status) { return status >= 100 && status < 200; }

struct SocketAddress {
    sockaddr_storage bytes = {};
    socklen_t size = 0;
};

SocketAddress to_socket_address(const UpstreamAddress& address) {
    SocketAddress result;
    if (address.port != 0) {
        auto& ip = reinterpret_cast<sockaddr_in&>(result.bytes);
        ip.sin_family = AF_INET;
        ip.sin_port = htons(address.port);
        ip.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        result.size = sizeof ip;
        return result;
    }
    auto& local = reinterpret_cast<sockaddr_un&>(result.bytes);
    local.sun_family = AF_UNIX;
    address.socket.copy(local.sun_path, sizeof local.sun_path - 1);
    result.size = sizeof local;
    return result;
}

}  // namespace

struct UpstreamConnection::State : std::enable_shared_from_this<State> {
    State(io::Loop& loop_of_all, const UpstreamAddress& where, bool has_no_body,
          UpstreamHandlers told)
        : loop(loop_of_all),
          address(where),
          is_bodiless(has_no_body),
          handlers(std::move(told)),
          reader(std::make_unique<ResponseReader>(has_no_body)),
          limit(loop, [this] { fail(lost("the program does not listen")); }),
          again(loop, [this] { connect(); }) {}

    void connect();
    void on_connected();
    void flush();
    void read();
    void on_bytes(std::string_view bytes);
    void on_end_of_input();
    bool tell_body();
    void finish();
    void fail(base::Error error);
    void close();

    io::Loop& loop;
    UpstreamAddress address;
    bool is_bodiless;
    UpstreamHandlers handlers;
    std::unique_ptr<ResponseReader> reader;
    std::unique_ptr<io::Readiness> socket;
    io::Timer limit;
    io::Timer again;
    std::string output;
    std::string input;  // the beginning of what cannot be parsed yet
    bool is_connected = false;
    bool is_paused = false;
    bool is_reading = false;
    bool is_writing = false;
    bool has_told_head = false;
    bool is_over = false;
};

UpstreamConnection::UpstreamConnection(io::Loop& loop, const UpstreamAddress& address,
                                       bool is_bodiless, UpstreamHandlers handlers)
    : state_(std::make_shared<State>(loop, address, is_bodiless, std::move(handlers))) {
    state_->limit.start(kConnectTimeout);
    state_->again.start(0s);  // nothing is told from within this
}

UpstreamConnection::~UpstreamConnection() { state_->close(); }

std::size_t UpstreamConnection::backlog() const { return state_->output.size(); }

void UpstreamConnection::write(std::string_view bytes) {
    if (state_->is_over) return;
    state_->output.append(bytes);
    // At the end of the turn, so that nothing is told from within this.
    if (state_->is_connected && !state_->is_writing) {
        state_->is_writing = true;
        state_->socket->at_turn_end([state = state_] { state->flush(); });
    }
}

void UpstreamConnection::pause() { state_->is_paused = true; }

void UpstreamConnection::resume() {
    state_->is_paused = false;
    if (state_->is_connected) state_->read();
}

void UpstreamConnection::State::connect() {
    if (is_over) return;
    const int family = address.port != 0 ? AF_INET : AF_UNIX;
    io::FileDescriptor descriptor{::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!descriptor) {
        return fail(io::system_error(errno, "making a socket for a program that serves HTTP"));
    }
    const int number = descriptor.number();
    const int one = 1;
    if (family == AF_INET) ::setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const SocketAddress where = to_socket_address(address);
    const int failed =
        ::connect(number, reinterpret_cast<const sockaddr*>(&where.bytes), where.size);
    const int why = failed == 0 ? 0 : errno;
    if (is_for_now(why)) return again.start(kConnectPause);
    if (why != 0 && why != EINPROGRESS) {
        return fail(lost(fmt::format("the program does not listen ({})", std::strerror(why))));
    }
    socket = std::make_unique<io::Readiness>(loop, std::move(descriptor));
    socket->when_writable([this] {
        const auto keep = shared_from_this();
        on_connected();
    });
}

void UpstreamConnection::State::on_connected() {
    int why = 0;
    socklen_t size = sizeof why;
    ::getsockopt(socket->descriptor(), SOL_SOCKET, SO_ERROR, &why, &size);
    if (is_for_now(why)) {
        socket->close();
        return again.start(kConnectPause);
    }
    if (why != 0) {
        return fail(lost(fmt::format("the program does not listen ({})", std::strerror(why))));
    }
    limit.stop();
    is_connected = true;
    if (handlers.on_connected) handlers.on_connected();
    if (is_over) return;
    flush();
    read();
}

void UpstreamConnection::State::flush() {
    const auto keep = shared_from_this();
    is_writing = false;
    if (is_over) return;
    while (!output.empty()) {
        const ssize_t size =
            ::send(socket->descriptor(), output.data(), output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) {
            is_writing = true;
            return socket->when_writable([this] { flush(); });
        }
        // It may have answered all the same, before it read everything: that is still to be read,
        // and the rest of the request is thrown away.
        output.erase(0, size < 0 ? output.size() : static_cast<std::size_t>(size));
    }
    if (handlers.on_drained) handlers.on_drained();
}

void UpstreamConnection::State::read() {
    if (is_over || is_paused || is_reading) return;
    is_reading = true;
    socket->when_readable([this] {
        const auto keep = shared_from_this();
        is_reading = false;
        if (is_over || is_paused) return;
        const std::span<char> room = loop.scratch();
        const io::ReadOutcome outcome = io::read_some(socket->descriptor(), room);
        if (outcome.errno_value != 0) {
            return fail(lost("the program broke the connection before its answer was complete"));
        }
        if (outcome.is_end) return on_end_of_input();
        on_bytes({room.data(), outcome.size});
        if (!is_over) read();
    });
}

void UpstreamConnection::State::on_bytes(std::string_view bytes) {
    input.append(bytes);
    while (reader->takes(input)) {
        beast::error_code error;
        const std::size_t size =
            reader->put(boost::asio::const_buffer(input.data(), input.size()), error);
        if (error && error != beast::http::error::need_more) {
            return fail(
                lost(fmt::format("what the program answers is no HTTP/1.1 ({})", error.message())));
        }
        input.erase(0, size);
        if (reader->is_header_done() && is_interim(reader->head.status)) {
            reader = std::make_unique<ResponseReader>(is_bodiless);
            continue;
        }
        if (reader->is_header_done() && reader->head.status < 100) {
            return fail(
                lost("what the program answers is no HTTP/1.1 (its status is no number"
                     " from 100)"));
        }
        if (!tell_body()) return;
        if (size == 0) break;  // more has to come first
    }
    if (reader->is_done()) return finish();
    if (input.size() > kHeadMax) {
        fail(lost("a chunk's size line or the trailer of the program's answer is too long"));
    }
}

// The head, once it is there, and what came of the body. False: nobody listens any more.
bool UpstreamConnection::State::tell_body() {
    if (reader->is_header_done() && !has_told_head) {
        has_told_head = true;
        UpstreamHead& head = reader->head;
        if (const auto length = reader->content_length()) head.length = *length;
        if (handlers.on_head) handlers.on_head(std::move(head));
        if (is_over) return false;
    }
    if (reader->body.empty()) return true;
    const std::string piece = std::exchange(reader->body, {});
    if (handlers.on_body) handlers.on_body(piece);
    return !is_over;
}

void UpstreamConnection::State::on_end_of_input() {
    beast::error_code error;
    if (has_told_head) reader->put_eof(error);
    if (!has_told_head || error) {
        return fail(lost(has_told_head ? "the program closed the connection before its answer was"
                                         " complete"
                                       : "the program closed the connection without an answer"));
    }
    finish();
}

void UpstreamConnection::State::finish() {
    close();
    if (handlers.on_end) handlers.on_end();
}

void UpstreamConnection::State::fail(base::Error error) {
    const auto keep = shared_from_this();
    if (is_over) return;
    close();
    if (handlers.on_failed) handlers.on_failed(std::move(error));
}

void UpstreamConnection::State::close() {
    is_over = true;
    limit.stop();
    again.stop();
    if (socket) socket->close();
}

}  // namespace windlass::http
