// Boost.Beast's parser does the reading; what it lets pass and should not is refused here.
#include "http/request_parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <utility>

#include "base/bytes.h"

namespace windlass::http {
namespace {

namespace beast = boost::beast;
using BeastText = beast::string_view;

// A declared length is a client's word: memory is taken only as the bytes arrive.
constexpr std::uint64_t kReservedAtOnce = std::uint64_t{1024} * 1024;

Refusal bad_request(int status, std::string message) {
    return Refusal{status, base::fail(base::Errc::invalid_input, std::move(message))};
}

Refusal head_too_large(const RequestLimits& limits) {
    return bad_request(431, fmt::format("the request line and header fields are larger than {}; "
                                        "send fewer or shorter header fields",
                                        base::to_text(base::Bytes{limits.head_bytes})));
}

Refusal to_refusal(const beast::error_code& error, const RequestLimits& limits) {
    if (error == beast::http::error::header_limit) return head_too_large(limits);
    if (error == beast::http::error::body_limit) {
        return bad_request(413,
                           fmt::format("the body is larger than {}; send a smaller one, or raise "
                                       "body_limit under [daemon]",
                                       base::to_text(base::Bytes{limits.body_bytes})));
    }
    return bad_request(400, fmt::format("this is not a well-formed HTTP/1.1 request ({}); correct "
                                        "the client",
                                        error.message()));
}

// Beast takes a message with an unknown transfer coding for one without a body, and what follows
// for the next request: a way to smuggle one past a proxy (RFC 9112 section 6.1).
std::optional<Refusal> check_framing(const RequestHead& head) {
    const std::size_t count = head.headers.count("Transfer-Encoding");
    if (count == 0) return std::nullopt;
    if (count > 1 ||
        !equal_ignoring_case(head.headers.find("Transfer-Encoding").value_or(""), "chunked")) {
        return Refusal{501, base::fail(base::Errc::unsupported,
                                       "the request has a Transfer-Encoding other than chunked; "
                                       "send the body as it is, with its Content-Length")};
    }
    if (!head.http11 || head.headers.count("Content-Length") > 0) {
        return bad_request(400,
                           "the request has a Transfer-Encoding together with HTTP/1.0 or a "
                           "Content-Length, so that its end is not certain; send only one of them");
    }
    return std::nullopt;
}

// Whether these bytes, as far as they go, can be the size line of a chunk (RFC 9112 section 7.1):
// hexadecimal digits, then an extension or the line's end. What comes after that is Beast's, which
// looks at a line only when it is whole.
bool may_begin_chunk(std::string_view bytes) {
    // The rest of a longer one is Beast's as well, or each byte that comes would be looked at anew.
    constexpr std::size_t kSizeLooked = 32;
    const std::size_t digits = std::min(bytes.find_first_not_of("0123456789abcdefABCDEF"),
                                        std::min(bytes.size(), kSizeLooked));
    bytes.remove_prefix(digits);
    if (bytes.empty() || digits == kSizeLooked) return true;
    if (digits == 0) return false;
    if (bytes.front() == '\r') return bytes.size() == 1 || bytes[1] == '\n';
    return bytes.front() == ';' || bytes.front() == ' ' || bytes.front() == '\t';
}

// The same for the line's end after a chunk's bytes, which the next size line follows.
bool may_end_chunk(std::string_view bytes) {
    constexpr std::string_view kLineEnd = "\r\n";
    if (bytes.size() < kLineEnd.size()) return kLineEnd.starts_with(bytes);
    return bytes.starts_with(kLineEnd) && may_begin_chunk(bytes.substr(kLineEnd.size()));
}

// RFC 9112 section 2.2: some clients send an empty line after a body.
std::size_t empty_lines_size(std::string_view bytes) {
    std::size_t size = 0;
    while (bytes.substr(size).starts_with("\r\n")) size += 2;
    return size;
}

}  // namespace

// Beast's basic_parser rather than its request_parser: fields go straight into Headers, without a
// node for each.
class BeastRequestParser final : public beast::http::basic_parser<true> {
  public:
    // `headers`: empty, for their memory.
    BeastRequestParser(const RequestLimits& limits, Headers headers)
        : head{.headers = std::move(headers)}, body_max(limits.body_bytes) {
        header_limit(static_cast<std::uint32_t>(limits.head_bytes));
        body_limit(boost::none);  // Beast would refuse a declared length before its route is known
    }

    // Whether a chunked body can go on with `rest`, which was not consumed yet and may be cut
    // anywhere. Only what no further byte could mend is false.
    bool may_go_on_with(std::string_view rest) const {
        if (rest.size() <= chunk_left_) return true;
        rest.remove_prefix(static_cast<std::size_t>(chunk_left_));
        return !has_chunks_ ? may_begin_chunk(rest) : may_end_chunk(rest);
    }

    RequestHead head;
    std::string body = {};
    std::optional<std::uint64_t> body_max;  // of one that comes in chunks

  private:
    using Code = beast::error_code;
    using Length = boost::optional<std::uint64_t>;

    void on_request_impl(beast::http::verb, BeastText method, BeastText target, int version,
                         Code&) override {
        head.method.assign(method.data(), method.size());
        head.target.assign(target.data(), target.size());
        head.http11 = version >= 11;
    }
    void on_response_impl(int, BeastText, int, Code&) override {}
    void on_field_impl(beast::http::field, BeastText name, BeastText value, Code&) override {
        if (is_header_done()) return;  // a trailer; nothing reads those
        head.headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    void on_header_impl(Code&) override {}
    void on_body_init_impl(const Length& length, Code&) override {
        body.reserve(std::min(length.get_value_or(0), kReservedAtOnce));
    }
    std::size_t on_body_impl(BeastText bytes, Code&) override { return append(bytes); }
    void on_chunk_header_impl(std::uint64_t size, BeastText, Code& error) override {
        has_chunks_ = true;
        chunk_left_ = size;
        if (body_max && size > *body_max - body.size()) error = beast::http::error::body_limit;
    }
    std::size_t on_chunk_body_impl(std::uint64_t left, BeastText bytes, Code&) override {
        chunk_left_ = left - bytes.size();
        return append(bytes);
    }
    void on_finish_impl(Code&) override {}

    std::size_t append(BeastText bytes) {
        body.append(bytes.data(), bytes.size());
        return bytes.size();
    }

    bool has_chunks_ = false;
    std::uint64_t chunk_left_ = 0;  // of the present chunk's bytes
};

// Whatever is left of a chunked body has at least the five bytes of "0 CRLF CRLF". With fewer Beast
// 1.81 fails an assertion once it has seen the last chunk (basic_parser::parse_chunk_header).
std::size_t least_size(const BeastRequestParser& parser) { return parser.chunked() ? 5 : 1; }

RequestParser::RequestParser(RequestLimits limits) : limits_(limits) { reset(); }

RequestParser::~RequestParser() = default;

void RequestParser::reset() {
    head_bytes_ = 0;
    Headers headers;
    if (parser_) headers = std::move(parser_->head.headers);
    headers.clear();
    parser_ = std::make_unique<BeastRequestParser>(limits_, std::move(headers));
}

bool RequestParser::has_begun() const { return parser_->got_some(); }
const RequestHead& RequestParser::head() const { return parser_->head; }
std::uint64_t RequestParser::body_size() const { return parser_->body.size(); }
std::string RequestParser::take_body() { return std::exchange(parser_->body, {}); }
void RequestParser::lift_body_limit() { parser_->body_max.reset(); }

std::optional<Refusal> RequestParser::check_length() const {
    if (parser_->content_length().get_value_or(0) <= limits_.body_bytes) return std::nullopt;
    return to_refusal(beast::http::error::body_limit, limits_);
}

auto RequestParser::feed(std::string_view bytes) -> std::expected<Fed, Refusal> {
    return parser_->is_header_done() ? feed_body(bytes) : feed_head(bytes);
}

auto RequestParser::feed_head(std::string_view bytes) -> std::expected<Fed, Refusal> {
    BeastRequestParser& parser = *parser_;
    std::size_t consumed = 0;
    if (!parser.got_some()) {
        consumed = empty_lines_size(bytes);
        bytes.remove_prefix(consumed);
        if (bytes.empty() || bytes == "\r") return Fed{consumed, Progress::need_more};
    }
    beast::error_code error;
    const std::size_t parsed =
        parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error && error != beast::http::error::need_more) {
        return std::unexpected(to_refusal(error, limits_));
    }
    // Beast counts only what it was given at once, so that many small packets would pass its limit.
    head_bytes_ += parsed;
    const std::size_t unparsed = parser.is_header_done() ? 0 : bytes.size() - parsed;
    if (head_bytes_ + unparsed > limits_.head_bytes)
        return std::unexpected(head_too_large(limits_));
    consumed += parsed;
    if (!parser.is_header_done()) return Fed{consumed, Progress::need_more};

    RequestHead& head = parser.head;
    if (auto refusal = check_framing(head)) return std::unexpected(std::move(*refusal));
    head.keep_alive = parser.keep_alive();
    head.has_body = !parser.is_done();
    if (const auto length = parser.content_length()) head.content_length = *length;
    const auto expect = head.headers.find("Expect");
    head.expects_continue = head.http11 && expect && equal_ignoring_case(*expect, "100-continue");
    parser.eager(true);  // from here on there is nothing between the pieces that we look at
    return Fed{consumed, Progress::head_done};
}

auto RequestParser::feed_body(std::string_view bytes) -> std::expected<Fed, Refusal> {
    BeastRequestParser& parser = *parser_;
    if (parser.is_done()) return Fed{0, Progress::complete};
    beast::error_code error;
    std::size_t parsed = 0;
    if (bytes.size() >= least_size(parser)) {
        parsed = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    }
    if (error && error != beast::http::error::need_more) {
        return std::unexpected(to_refusal(error, limits_));
    }
    if (parser.chunked() && !parser.is_done() && !parser.may_go_on_with(bytes.substr(parsed))) {
        return std::unexpected(to_refusal(beast::http::error::bad_chunk, limits_));
    }
    if (parsed == 0 && bytes.size() > limits_.head_bytes) {
        return std::unexpected(
            bad_request(400, "a chunk's size line or the trailer is too long; correct the client"));
    }
    return Fed{parsed, parser.is_done() ? Progress::complete : Progress::need_more};
}

}  // namespace windlass::http
