// When to connect, when to connect again, and what to tell when nothing helps.
#include "client/http_exchange.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/time.h"

namespace windlass::client {
namespace {

using namespace std::chrono_literals;

// Below the 75 s after which the daemon closes an idle connection, so that no request meets the
// closing.
constexpr auto kKeptIdleMax = 60s;
constexpr std::size_t kReceivedAtOnce = std::size_t{256} * 1024;

bool is_field_value(std::string_view text) {
    return std::ranges::none_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

HttpExchange::HttpExchange(Url url, std::string name, Limits limits)
    : url_(std::move(url)), name_(std::move(name)), limits_(limits) {}

base::Result<Response> HttpExchange::perform(const Request& request) {
    for (const Request::Field& field : request.fields) {
        if (is_field_value(field.value)) continue;
        return base::fail(
            base::Errc::invalid_input,
            fmt::format("the value of {} has a control character; leave it out", field.name));
    }
    const Deadline deadline = deadline_after(request.timeout);
    const bool was_kept = kept_.has_value();
    base::Result<Response> response = attempt(request, deadline);
    const bool is_lost = !response && response.error().reason == "connection_lost";
    if (is_lost && was_kept && request.method == "GET") response = attempt(request, deadline);
    if (!response) return explain(response.error(), request);
    return response;
}

base::Result<Response> HttpExchange::attempt(const Request& request, Deadline deadline) {
    Channel channel = WL_TRY(take_channel(deadline));
    const auto sent = channel.send(format_head(request), request.body, deadline);
    // A daemon that refuses a body may answer and close before it has all of it.
    const bool may_have_answered = sent || sent.error().reason == "connection_lost";
    if (!may_have_answered) return sent.error();
    Response response = WL_TRY(receive(channel, deadline));
    if (response.keep_alive) {
        kept_ = std::move(channel);
        last_used_ = std::chrono::steady_clock::now();
    }
    return response;
}

base::Result<Response> HttpExchange::stream(const Request& request, const OnPiece& on_piece) {
    base::Result<Response> response = attempt_stream(request, on_piece);
    if (!response) return explain(response.error(), request);
    return response;
}

// Of HTTP/1.0: the body is all that comes until the connection ends, with no chunks in it.
base::Result<Response> HttpExchange::attempt_stream(const Request& request,
                                                    const OnPiece& on_piece) const {
    Channel channel = WL_TRY(connect(deadline_after(request.timeout)));
    WL_TRY(
        channel.send(format_head(request, Version::http10), {}, deadline_after(request.timeout)));
    std::string head;
    std::vector<char> buffer(kReceivedAtOnce);
    bool goes_on = true;
    bool is_body = false;
    while (goes_on) {
        const std::size_t size = WL_TRY(channel.receive(buffer, deadline_after(request.timeout)));
        const std::string_view piece{buffer.data(), size};
        if (is_body && size == 0) break;
        if (is_body) {
            goes_on = on_piece(piece);
            continue;
        }
        head += piece;
        const std::size_t end = head.find("\r\n\r\n");
        is_body = end != std::string::npos && head.substr(0, 12).ends_with(" 200");
        if (is_body && head.size() > end + 4)
            goes_on = on_piece(std::string_view{head}.substr(end + 4));
        if (is_body || (size > 0 && head.size() <= limits_.body_max)) continue;
        ResponseParser parser{limits_.body_max};
        if (!WL_TRY(parser.feed(head))) WL_TRY(parser.feed_end());
        return parser.take();
    }
    return Response{.status = 200};
}

base::Result<Channel> HttpExchange::take_channel(Deadline deadline) {
    std::optional<Channel> kept = std::exchange(kept_, std::nullopt);
    const bool is_fresh = std::chrono::steady_clock::now() - last_used_ < kKeptIdleMax;
    if (kept && is_fresh && kept->is_quiet()) return std::move(*kept);
    return connect(deadline);
}

base::Result<Channel> HttpExchange::connect(Deadline deadline) const {
    const Deadline own_limit = deadline_after(limits_.connect_timeout);
    base::Error first_error;
    for (const std::string& address : url_.addresses) {
        auto channel = Channel::connect(address, url_.port, std::min(deadline, own_limit));
        if (channel) return channel;
        if (first_error.message.empty()) first_error = channel.error();
    }
    if (first_error.code == base::Errc::timeout && own_limit <= deadline) {
        first_error = base::fail(
            base::Errc::unavailable,
            fmt::format("no connection within {}", base::to_text(limits_.connect_timeout)));
    }
    if (first_error.code == base::Errc::unavailable) first_error.reason = "connection_refused";
    return first_error;
}

base::Result<Response> HttpExchange::receive(Channel& channel, Deadline deadline) const {
    ResponseParser parser{limits_.body_max};
    std::vector<char> buffer(kReceivedAtOnce);
    for (;;) {
        const std::size_t size = WL_TRY(channel.receive(buffer, deadline));
        if (size == 0) {
            WL_TRY(parser.feed_end());
            return parser.take();
        }
        if (WL_TRY(parser.feed({buffer.data(), size}))) return parser.take();
    }
}

std::string HttpExchange::format_head(const Request& request, Version version) const {
    std::string head = fmt::format("{} {} HTTP/1.{}\r\nHost: {}\r\n", request.method, request.path,
                                   version == Version::http10 ? 0 : 1, url_.host_field);
    if (request.method != "GET") {
        head += fmt::format("Content-Length: {}\r\n", request.body.size());
    }
    for (const Request::Field& field : request.fields) {
        head += fmt::format("{}: {}\r\n", field.name, field.value);
    }
    head += "\r\n";
    return head;
}

base::Error HttpExchange::explain(base::Error error, const Request& request) const {
    const std::string what = fmt::format("{} {}", request.method, request.path);
    if (error.reason == "connection_refused") {
        error.message = fmt::format(
            "no windlass daemon answers at {} ({}); start one with `windlass serve`, or give the "
            "URL of one that runs",
            name_, error.message);
    } else if (error.reason == "connection_lost") {
        error.message = fmt::format(
            "the connection to {} broke before {} was answered ({}); it may have been carried out: "
            "look whether the daemon runs, then decide whether to send it again",
            name_, what, error.message);
    } else if (error.code == base::Errc::timeout) {
        error.message = fmt::format(
            "{} did not answer {} within {}; see what it is doing with `windlass models`, or allow "
            "more time",
            name_, what, base::to_text(request.timeout));
    } else {
        error.message = fmt::format("{} to {}: {}", what, name_, error.message);
    }
    return error;
}

}  // namespace windlass::client
