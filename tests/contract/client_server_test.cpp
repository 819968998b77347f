// The C++ client against the HTTP server: what one says, the other must understand.
#include <doctest/doctest.h>

#include "contract/running_server.h"
#include "http/testing/fake_jobs.h"
#include "windlass/client.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
using windlass::Client;
using windlass::ClientOptions;

namespace {

// Does what the model's name says: "echo", "hang" or the name of an error type.
class ModelsByName final : public http::Backend {
  public:
    std::uint64_t call(http::CallRequest request, http::CallReply reply) override {
        if (request.model == "hang") {
            hanging.push_back(std::move(reply));
            return hanging.size();
        }
        if (const auto code = base::find_errc(request.model)) {
            reply("r1", base::Error{.code = *code,
                                    .message = "as you wish: \"" + request.model + "\"\n",
                                    .reason = "a reason",
                                    .cause = "KeyError",
                                    .traceback = "line \xc3\xa9",
                                    .retry_after = 2'500ms});
            return 0;
        }
        reply("r2", http::CallAnswer{.content_type = request.content_type,
                                     .body = std::move(request.body),
                                     .copy = 7,
                                     .worker_pid = 42,
                                     .device = "cpu",
                                     .queue = request.wait.value_or(0s),
                                     .load = request.timeout.value_or(0s),
                                     .run = std::chrono::milliseconds{request.priority.value_or(0)},
                                     .memory = {.total = base::Bytes{24'000},
                                                .free_before = base::Bytes{0},
                                                .peak = base::Bytes{3'000},
                                                .is_shared = true}});
        return 0;
    }
    std::uint64_t order(http::ModelOrder order, http::ModelReply reply) override {
        if (order.action == http::ModelAction::unload) {
            reply("r2", base::fail(base::Errc::timeout, "it does not stop"));
        } else {
            reply("r1", http::ModelStatus{.name = order.model,
                                          .residency = "ready",
                                          .paused = order.action == http::ModelAction::pause,
                                          .loading_for = order.timeout});
        }
        return 0;
    }
    std::uint64_t forward(http::CallRequest, http::ForwardHooks hooks) override {
        hooks.fail({}, base::fail(base::Errc::unsupported, "no model here serves HTTP"));
        return 0;
    }
    void forward_started(std::uint64_t) override {}
    void forward_moved(std::uint64_t, http::Mover) override {}
    void forward_ended(const http::ForwardPlace&, const std::optional<base::Error>&) override {}
    void client_gone(std::uint64_t request) override { gone.push_back(request); }
    base::Result<http::ModelStatus> model(std::string_view name) const override {
        return base::fail(base::Errc::not_found, "there is no model " + std::string{name});
    }
    std::vector<http::ModelStatus> models() const override { return {}; }
    base::Result<http::ExplanationStatus> explain(std::string_view subject) const override {
        if (subject == "r17") return http::ExplanationStatus{.subject = "r17", .kind = "request"};
        return base::fail(base::Errc::not_found, "it has its answer");
    }
    std::vector<http::ExplanationStatus> explanations() const override { return {}; }
    http::DevicesStatus devices() const override { return {}; }
    std::vector<http::WorkerStatus> worker_statuses() const override { return {}; }
    base::Result<http::WorkerStatus> kill_worker(std::uint64_t) override {
        return base::fail(base::Errc::not_found, "there is none");
    }
    std::vector<http::IncidentStatus> incidents() const override { return {}; }
    void list_events(base::EventQuery, http::EventsReply reply) override { reply({}); }
    void follow_events(base::EventQuery, http::ReplyStream) override {}
    http::JobBackend& jobs() override { return fake_jobs; }
    http::Health health() const override { return {.version = "1", .uptime = 1s}; }
    std::optional<http::Unready> unready() const override { return std::nullopt; }
    std::string metrics(const http::ConnectionCounters&) override { return {}; }

    std::vector<http::CallReply> hanging;
    std::vector<std::uint64_t> gone;
    http::testing::FakeJobs fake_jobs;
};

using RunningServer = windlass::contract::RunningServer<ModelsByName>;

}  // namespace

TEST_CASE("[A3.6] a call comes back with all that is known about it") {
    const RunningServer server;
    Client client{server.options()};
    const auto answer = client.call(
        "echo", "hello",
        {.content_type = "text/plain", .timeout = 1500ms, .wait = 250us, .priority = 3});
    REQUIRE(answer.has_value());
    CHECK(answer->body == "hello");
    CHECK(answer->content_type == "text/plain");
    CHECK(answer->request_id == "r2");
    CHECK(answer->copy == 7);
    CHECK(answer->worker_pid == 42);
    CHECK(answer->device == "cpu");
    CHECK(answer->queue_time == 250us);
    CHECK(answer->load_time == 1500ms);
    CHECK(answer->run_time == 3ms);
    CHECK(answer->total_bytes == 24'000);
    CHECK(answer->free_before_bytes == 0);
    CHECK(answer->peak_bytes == 3'000);
    CHECK_FALSE(answer->context_bytes.has_value());
    CHECK(answer->shared == true);
}

TEST_CASE("each error type comes back as it was raised") {
    const RunningServer server;
    Client client{server.options()};
    for (const base::ErrorTraits& row : base::error_table()) {
        CAPTURE(row.name);
        const auto answer = client.call(row.name, "");
        REQUIRE_FALSE(answer.has_value());
        const windlass::Failure& failure = answer.error();
        CHECK(failure.type == row.name);
        CHECK(failure.message == "as you wish: \"" + std::string{row.name} + "\"\n");
        CHECK(failure.reason == "a reason");
        CHECK(failure.retry_after_s == 2.5);
        CHECK(failure.request_id == "r1");
        CHECK(failure.cause == "KeyError");
        CHECK(failure.traceback == "line \xc3\xa9");
        CHECK(failure.model == row.name);
        CHECK(failure.http_status == row.http_status);
        CHECK(failure.exit_code == row.exit_code);
    }
}

TEST_CASE("the other resources come back as JSON text") {
    const RunningServer server;
    Client client{server.options()};
    CHECK(client.models().value() == R"({"models":[]})");
    CHECK(client.health()->starts_with(R"({"status":"ok","version":"1")"));
    CHECK(client.model("a/b").error().message == "there is no model a/b");
    CHECK(client.load("m", 90s)->find(R"("loading_for_s":90.000)") != std::string::npos);
    CHECK(client.load("m")->find(R"("loading_for_s":null)") != std::string::npos);
    CHECK(client.unload("m").error().exit_code == 7);
}

TEST_CASE("the server's refusals are typed failures") {
    http::ServerOptions options;
    options.body_limit = base::Bytes{1'000};
    const RunningServer server{options};
    Client client{server.options()};
    CHECK(client.call("echo", "", {.priority = 10}).error().type == "invalid_input");
    CHECK(client.call("echo", "", {.timeout = 0s}).error().http_status == 400);
    const auto too_large = client.call("echo", std::string(32U << 20, 'x'));
    REQUIRE_FALSE(too_large.has_value());
    CHECK(too_large.error().http_status == 413);
    CHECK(too_large.error().exit_code == 2);
    CHECK(client.call("echo", "still there").value().body == "still there");
}

TEST_CASE("large bodies go both ways") {
    const RunningServer server;
    std::string body(32U << 20, '\0');
    for (std::size_t i = 0; i < body.size(); i += 7) body[i] = static_cast<char>(i >> 3U);
    const auto answer = Client{server.options()}.call("echo", body);
    REQUIRE(answer.has_value());
    CHECK(answer->body == body);
}

TEST_CASE("a client that gives up is noticed by the server") {
    RunningServer server;
    ClientOptions options = server.options();
    options.call_limit = 50ms;
    {
        Client client{options};
        const auto answer = client.call("hang", "");
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error().type == "timeout");
        CHECK(client.health().has_value());  // one loop: it has seen the end of the call by now
    }
    server.stop();
    CHECK(server.backend.gone == std::vector<std::uint64_t>{1});
}

TEST_CASE("a daemon that dies during a call is told apart from one that is not there") {
    RunningServer server;
    Client client{server.options()};
    CHECK(client.health().has_value());
    std::jthread caller{[&] { server.stop(); }};
    const auto answer = client.call("hang", "");
    caller.join();
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().type == "unavailable");
    const auto after = client.health();
    REQUIRE_FALSE(after.has_value());
    CHECK(after.error().reason == "connection_refused");
}
