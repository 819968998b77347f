// bench_beast ADDRESS: echoes the body of each request, with Boost.Beast's parser and a
// preformatted head, as a program would that has its model inside. The floor that `windlass serve`
// is compared with.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <fmt/core.h>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

template <class Socket>
class Session : public std::enable_shared_from_this<Session<Socket>> {
  public:
    explicit Session(Socket socket) : socket_(std::move(socket)) {}

    void read() {
        parser_.emplace();
        parser_->body_limit(std::uint64_t{64} << 20);
        http::async_read(socket_, buffer_, *parser_,
                         [self = this->shared_from_this()](auto error, std::size_t) {
                             if (!error) self->write();
                         });
    }

  private:
    void write() {
        const std::string& body = parser_->get().body();
        head_ = fmt::format(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
            "Content-Length: {}\r\n\r\n",
            body.size());
        const std::array<asio::const_buffer, 2> buffers{asio::buffer(head_), asio::buffer(body)};
        asio::async_write(socket_, buffers,
                          [self = this->shared_from_this()](auto error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    Socket socket_;
    boost::beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::string head_;
};

template <class Acceptor>
void accept(Acceptor& acceptor) {
    acceptor.async_accept([&acceptor](auto error, auto socket) {
        if (error) return;
        std::make_shared<Session<decltype(socket)>>(std::move(socket))->read();
        accept(acceptor);
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const std::string address = argv[1];
    asio::io_context loop{1};
    if (address.starts_with('/')) {
        std::filesystem::remove(address);
        asio::local::stream_protocol::acceptor acceptor{loop, {address}};
        fmt::print("{}\n", address);
        std::fflush(stdout);
        accept(acceptor);
        loop.run();
    } else {
        asio::ip::tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};
        fmt::print("127.0.0.1:{}\n", acceptor.local_endpoint().port());
        std::fflush(stdout);
        acceptor.listen();
        accept(acceptor);
        loop.run();
    }
    return 0;
}
