// Boost.Beast's parser does the reading.
#include "client/response_parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "base/bytes.h"

namespace windlass::client {
namespace {

namespace beast = boost::beast;
using BeastText = beast::string_view;

constexpr std::uint32_t kHeadMax = 64 * 1024;
// A declared length is the other side's word: memory is taken only as the bytes arrive.
constexpr std::uint64_t kReservedAtOnce = std::uint64_t{1024} * 1024;

base::Error to_error(const beast::error_code& code, std::uint64_t body_max) {
    if (code == beast::http::error::body_limit) {
        return base::fail(base::Errc::unsupported,
                          fmt::format("the answer is larger than {}; raise answer_bytes_max",
                                      base::to_text(base::Bytes{body_max})));
    }
    return base::fail(base::Errc::data_corrupt,
                      fmt::format("what came back is not HTTP ({})", code.message()));
}

}  // namespace

std::string_view Response::find(std::string_view name) const {
    const auto field = std::ranges::find(fields, name, &Field::name);
    return field == fields.end() ? std::string_view{} : field->value;
}

class BeastResponseParser final : public beast::http::basic_parser<false> {
  public:
    explicit BeastResponseParser(std::uint64_t body_max) {
        header_limit(kHeadMax);
        body_limit(body_max);
        eager(true);
    }

    Response response = {};

  private:
    using Code = beast::error_code;
    using Length = boost::optional<std::uint64_t>;

    void on_request_impl(beast::http::verb, BeastText, BeastText, int, Code&) override {}
    void on_response_impl(int status, BeastText, int, Code&) override { response.status = status; }
    void on_field_impl(beast::http::field, BeastText name, BeastText value, Code& error) override {
        fields_size_ += name.size() + value.size();
        if (fields_size_ > kHeadMax) error = beast::http::error::header_limit;
        Response::Field field{.name = std::string{name.data(), name.size()},
                              .value = std::string{value.data(), value.size()}};
        std::ranges::transform(field.name, field.name.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        response.fields.push_back(std::move(field));
    }
    void on_header_impl(Code&) override {}
    void on_body_init_impl(const Length& length, Code&) override {
        response.body.reserve(std::min(length.get_value_or(0), kReservedAtOnce));
    }
    std::size_t on_body_impl(BeastText bytes, Code&) override { return append(bytes); }
    void on_chunk_header_impl(std::uint64_t, BeastText, Code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, BeastText bytes, Code&) override {
        return append(bytes);
    }
    void on_finish_impl(Code&) override {}

    std::size_t append(BeastText bytes) {
        response.body.append(bytes.data(), bytes.size());
        return bytes.size();
    }

    std::size_t fields_size_ = 0;
};

// Whatever is left of a chunked body has at least the five bytes of "0 CRLF CRLF". With fewer Beast
// 1.81 fails an assertion once it has seen the last chunk (basic_parser::parse_chunk_header).
std::size_t least_size(const BeastResponseParser& parser) {
    return parser.is_header_done() && parser.chunked() ? 5 : 1;
}

ResponseParser::ResponseParser(std::uint64_t body_max)
    : body_max_(body_max), parser_(std::make_unique<BeastResponseParser>(body_max)) {}

ResponseParser::~ResponseParser() = default;

base::Result<bool> ResponseParser::feed(std::string_view bytes) {
    std::string joined;
    if (!unparsed_.empty()) {
        joined = std::move(unparsed_);
        joined += bytes;
        bytes = joined;
    }
    while (!bytes.empty() && bytes.size() >= least_size(*parser_)) {
        beast::error_code error;
        bytes.remove_prefix(
            parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error));
        if (error && error != beast::http::error::need_more) return to_error(error, body_max_);
        if (!parser_->is_done()) break;
        if (parser_->response.status / 100 != 1) return true;
        parser_ = std::make_unique<BeastResponseParser>(body_max_);
    }
    if (bytes.size() > kHeadMax) {
        return base::fail(base::Errc::data_corrupt, "what came back has a line without an end");
    }
    unparsed_ = bytes;
    return false;
}

base::Result<void> ResponseParser::feed_end() {
    beast::error_code error;
    if (parser_->is_header_done()) parser_->put_eof(error);
    if (parser_->is_header_done() && !error) return {};
    base::Error lost = base::fail(base::Errc::unavailable, "it closed the connection");
    lost.reason = "connection_lost";
    return lost;
}

Response ResponseParser::take() {
    parser_->response.keep_alive = parser_->keep_alive();
    return std::move(parser_->response);
}

}  // namespace windlass::client
