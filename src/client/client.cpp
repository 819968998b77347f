// The public client: turns its functions into requests and responses into answers.
#include "windlass/client.h"

#include <fmt/core.h>

#include <charconv>
#include <utility>

#include "client/failure.h"
#include "client/http_exchange.h"
#include "client/job_json.h"

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

std::vector<client::Request::Field> job_fields(const JobOptions& options) {
    std::vector<client::Request::Field> fields;
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) fields.push_back({name, value});
    };
    add("Content-Type", options.content_type);
    add("X-Windlass-Variant", options.variant);
    if (options.priority) add("X-Windlass-Priority", fmt::format("{}", *options.priority));
    add("X-Windlass-Key", options.key);
    add("X-Windlass-Tenant", options.tenant);
    add("X-Windlass-Run-At", options.run_at);
    add("X-Windlass-Deadline", options.deadline);
    if (options.run_timeout) add("X-Windlass-Run-Timeout", to_field(*options.run_timeout));
    if (options.stall_timeout) add("X-Windlass-Stall-Timeout", to_field(*options.stall_timeout));
    return fields;
}

std::string job_path(std::string_view id, std::string_view action) {
    return fmt::format("/api/jobs/{}{}", client::percent_encode(id), action);
}

std::string_view action_path(JobOrder order) {
    switch (order) {
        case JobOrder::cancel: return "/cancel";
        case JobOrder::retry: return "/retry";
        case JobOrder::hold: return "/hold";
        case JobOrder::release: return "/release";
        case JobOrder::remove: break;  // DELETE
    }
    return "";
}

}  // namespace

struct Client::State {
    ClientOptions options;
    std::optional<client::HttpExchange> exchange;  // empty: the URL is bad
    Failure bad_url = {};

    Outcome<client::Response> perform(const client::Request& request);
    // `wait`: so long the daemon may take beside what it always may.
    Outcome<std::string> query(std::string path, nanoseconds wait = {});
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
    if (response->status == 200 || response->status == 202) return std::move(*response);
    return std::unexpected(client::to_failure(client::ErrorReply{
        .status = response->status, .body = response->body, .where = options.url}));
}

Outcome<std::string> Client::State::query(std::string path, nanoseconds wait) {
    auto response = perform(
        {.method = "GET", .path = std::move(path), .timeout = options.query_timeout + wait});
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
    std::optional<client::HttpExchange>& exchange = state_->exchange;
    if (!exchange) return std::unexpected(state_->bad_url);
    // The daemon gives a sign of life every 15 s.
    const auto response = exchange->stream(
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

Outcome<JobTicket> Client::submit(std::string_view model, std::string_view input,
                                  const JobOptions& options) {
    auto response = state_->perform({.method = "POST",
                                     .path = model_path(model, "/jobs"),
                                     .fields = job_fields(options),
                                     .body = input,
                                     .timeout = state_->options.query_timeout});
    if (!response) return std::unexpected(std::move(response.error()));
    auto ticket = client::parse_ticket(response->body);
    if (ticket) return std::move(*ticket);
    return std::unexpected(client::to_failure(base::fail(
        base::Errc::data_corrupt,
        fmt::format("{} did not answer with a job's id; check that this is the URL of a windlass "
                    "daemon",
                    state_->options.url))));
}

Outcome<std::string> Client::job(std::string_view id, nanoseconds wait) {
    std::string path = job_path(id, "");
    if (wait.count() > 0) path += "?wait=" + to_field(wait);
    return state_->query(std::move(path), wait);
}

Outcome<JobResult> Client::job_result(std::string_view id) {
    auto response = state_->perform({.method = "GET",
                                     .path = job_path(id, "/result"),
                                     .timeout = state_->options.query_timeout});
    if (!response) return std::unexpected(std::move(response.error()));
    return JobResult{.body = std::move(response->body),
                     .content_type = std::string{response->find("content-type")}};
}

Outcome<std::string> Client::order_job(JobOrder order, std::string_view id) {
    const bool is_removal = order == JobOrder::remove;
    auto response = state_->perform({.method = is_removal ? "DELETE" : "POST",
                                     .path = job_path(id, is_removal ? "" : action_path(order)),
                                     .timeout = state_->options.query_timeout});
    if (!response) return std::unexpected(std::move(response.error()));
    return std::move(response->body);
}

Outcome<std::string> Client::order_jobs(JobOrder order, std::string_view query) {
    const bool is_removal = order == JobOrder::remove;
    auto response = state_->perform(
        {.method = is_removal ? "DELETE" : "POST",
         .path = fmt::format("/api/jobs{}?{}", is_removal ? "" : action_path(order), query),
         .timeout = state_->limit({})});
    if (!response) return std::unexpected(std::move(response.error()));
    return std::move(response->body);
}

Outcome<std::string> Client::jobs(std::string_view query) {
    return state_->query(fmt::format("/api/jobs?{}", query));
}

Outcome<std::string> Client::queue(std::string_view query) {
    return state_->query(fmt::format("/api/queue?{}", query));
}

Outcome<std::string> Client::health() { return state_->query("/healthz"); }
Outcome<std::string> Client::ready() { return state_->query("/readyz"); }

}  // namespace windlass
