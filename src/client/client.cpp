// The public client: turns its functions into requests and responses into answers.
#include "windlass/client.h"

#include <fmt/core.h>

#include <charconv>
#include <utility>

#include "client/failure.h"
#include "client/http_exchange.h"

namespace windlass {
namespace {

using std::chrono::nanoseconds;

// The daemon keeps the timeout; the client waits a little longer, so that it hears the daemon say
// so.
constexpr nanoseconds kPatience = std::chrono::seconds{5};

template <class Number>
Number to_number(std::string_view text) {
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

nanoseconds to_duration(std::string_view milliseconds) {
    return nanoseconds{static_cast<std::int64_t>(to_number<double>(milliseconds) * 1e6)};
}

std::string to_field(nanoseconds duration) {
    return fmt::format("{}us", std::chrono::ceil<std::chrono::microseconds>(duration).count());
}

std::string model_path(std::string_view model, std::string_view action) {
    return fmt::format("/api/models/{}{}", client::percent_encode(model), action);
}

std::optional<std::uint64_t> to_bytes(std::string_view text) {
    if (text.empty()) return std::nullopt;
    return to_number<std::uint64_t>(text);
}

std::optional<bool> to_bool(std::string_view text) {
    if (text.empty()) return std::nullopt;
    return text == "true";
}

Answer to_answer(client::Response response) {
    return Answer{
        .body = std::move(response.body),
        .content_type = std::string{response.find("content-type")},
        .request_id = std::string{response.find("x-windlass-request-id")},
        .copy = to_number<std::uint64_t>(response.find("x-windlass-copy")),
        .worker_pid = to_number<int>(response.find("x-windlass-worker-pid")),
        .device = std::string{response.find("x-windlass-device")},
        .queue_time = to_duration(response.find("x-windlass-queue-ms")),
        .load_time = to_duration(response.find("x-windlass-load-ms")),
        .run_time = to_duration(response.find("x-windlass-run-ms")),
        .total_bytes = to_bytes(response.find("x-windlass-total-bytes")),
        .free_before_bytes = to_bytes(response.find("x-windlass-free-before-bytes")),
        .peak_bytes = to_bytes(response.find("x-windlass-peak-bytes")),
        .context_bytes = to_bytes(response.find("x-windlass-context-bytes")),
        .shared = to_bool(response.find("x-windlass-shared")),
    };
}

std::vector<client::Request::Field> call_fields(const CallOptions& options) {
    std::vector<client::Request::Field> fields;
    if (!options.content_type.empty()) fields.push_back({"Content-Type", options.content_type});
    if (options.timeout) fields.push_back({"X-Windlass-Timeout", to_field(*options.timeout)});
    if (options.wait) fields.push_back({"X-Windlass-Wait", to_field(*options.wait)});
    if (options.priority) {
        fields.push_back({"X-Windlass-Priority", fmt::format("{}", *options.priority)});
    }
    if (!options.variant.empty()) fields.push_back({"X-Windlass-Variant", options.variant});
    return fields;
}

}  // namespace

struct Client::State {
    ClientOptions options;
    std::optional<client::HttpExchange> exchange;  // empty: the URL is bad
    Failure bad_url = {};

    Outcome<client::Response> perform(const client::Request& request);
    Outcome<std::string> query(std::string path);
    Outcome<std::string> order(std::string path, std::optional<nanoseconds> timeout);
    nanoseconds limit(const std::optional<nanoseconds>& timeout) const;
};

nanoseconds Client::State::limit(const std::optional<nanoseconds>& timeout) const {
    if (!timeout) return options.call_limit;
    return *timeout > nanoseconds::max() - kPatience ? *timeout : *timeout + kPatience;
}

Outcome<client::Response> Client::State::perform(const client::Request& request) {
    if (!exchange) return std::unexpected(bad_url);
    auto response = exchange->perform(request);
    if (!response) return std::unexpected(client::to_failure(response.error()));
    if (response->status == 200) return std::move(*response);
    return std::unexpected(client::to_failure(client::ErrorReply{
        .status = response->status, .body = response->body, .where = options.url}));
}

Outcome<std::string> Client::State::query(std::string path) {
    auto response =
        perform({.method = "GET", .path = std::move(path), .timeout = options.query_timeout});
    if (!response) return std::unexpected(std::move(response.error()));
    return std::move(response->body);
}

Outcome<std::string> Client::State::order(std::string path, std::optional<nanoseconds> timeout) {
    client::Request request{.method = "POST", .path = std::move(path), .timeout = limit(timeout)};
    if (timeout) request.fields.push_back({"X-Windlass-Timeout", to_field(*timeout)});
    auto response = perform(request);
    if (!response) return std::unexpected(std::move(response.error()));
    return std::move(response->body);
}

Client::Client(ClientOptions options) : state_(std::make_unique<State>()) {
    auto url = client::parse_url(options.url);
    if (url) {
        state_->exchange.emplace(
            std::move(*url), options.url,
            client::HttpExchange::Limits{options.connect_timeout, options.answer_bytes_max});
    } else {
        state_->bad_url = client::to_failure(url.error());
    }
    state_->options = std::move(options);
}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Outcome<Answer> Client::call(std::string_view model, std::string_view input,
                             const CallOptions& options) {
    auto response = state_->perform({.method = "POST",
                                     .path = model_path(model, "/call"),
                                     .fields = call_fields(options),
                                     .body = input,
                                     .timeout = state_->limit(options.timeout)});
    if (!response) return std::unexpected(std::move(response.error()));
    return to_answer(std::move(*response));
}

Outcome<std::string> Client::models() { return state_->query("/api/models"); }

Outcome<std::string> Client::devices() { return state_->query("/api/devices"); }

Outcome<std::string> Client::model(std::string_view model) {
    return state_->query(model_path(model, ""));
}

Outcome<std::string> Client::load(std::string_view model, std::optional<nanoseconds> timeout) {
    return state_->order(model_path(model, "/load"), timeout);
}

Outcome<std::string> Client::prefetch(std::string_view model) {
    return state_->order(model_path(model, "/load?wait=0"), std::nullopt);
}

Outcome<std::string> Client::unload(std::string_view model, std::optional<nanoseconds> timeout) {
    return state_->order(model_path(model, "/unload"), timeout);
}

Outcome<std::string> Client::unload_at_once(std::string_view model,
                                            std::optional<nanoseconds> timeout) {
    return state_->order(model_path(model, "/unload?force"), timeout);
}

Outcome<std::string> Client::offload(std::string_view model, std::optional<nanoseconds> timeout) {
    return state_->order(model_path(model, "/offload"), timeout);
}

Outcome<std::string> Client::restart(std::string_view model, std::optional<nanoseconds> timeout) {
    return state_->order(model_path(model, "/restart"), timeout);
}

Outcome<std::string> Client::workers() { return state_->query("/api/workers"); }

Outcome<std::string> Client::incidents() { return state_->query("/api/incidents"); }

Outcome<std::string> Client::explain(std::string_view subject) {
    if (subject.empty()) return state_->query("/api/explain");
    return state_->query("/api/explain/" + client::percent_encode(subject));
}

Outcome<std::string> Client::events(std::string_view query) {
    return state_->query(fmt::format("/api/events?{}", query));
}

Outcome<void> Client::follow_events(std::string_view query, const OnPiece& on_piece) {
    if (!state_->exchange) return std::unexpected(state_->bad_url);
    // The daemon gives a sign of life every 15 s.
    const auto response = state_->exchange->stream(
        {.method = "GET",
         .path = fmt::format("/api/events?follow=1{}{}", query.empty() ? "" : "&", query),
         .timeout = std::chrono::minutes{1}},
        on_piece);
    if (!response) return std::unexpected(client::to_failure(response.error()));
    if (response->status == 200) return {};
    return std::unexpected(client::to_failure(client::ErrorReply{
        .status = response->status, .body = response->body, .where = state_->options.url}));
}

Outcome<std::string> Client::kill_worker(std::uint64_t id) {
    return state_->order("/api/workers/" + std::to_string(id) + "/kill", {});
}

Outcome<std::string> Client::pause(std::string_view model) {
    return state_->order(model_path(model, "/pause"), {});
}

Outcome<std::string> Client::resume(std::string_view model) {
    return state_->order(model_path(model, "/resume"), {});
}

Outcome<std::string> Client::health() { return state_->query("/healthz"); }
Outcome<std::string> Client::ready() { return state_->query("/readyz"); }

}  // namespace windlass
