// For tests: a Backend that writes down what it is asked and answers when the test says so.
// lint: long file, a table: one answer for each question
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "http/api.h"
#include "http/testing/fake_jobs.h"
#include "http/testing/fake_statuses.h"

namespace windlass::http::testing {

class FakeBackend : public Backend {
  public:
    struct Call {
        std::uint64_t number;
        CallRequest request;
        CallReply reply;
    };
    struct Order {
        std::uint64_t number;
        ModelOrder order;
        ModelReply reply;
    };

    struct Follower {
        base::EventQuery query;
        ReplyStream stream;
    };

    std::deque<Call> calls;  // in the order of their arrival
    std::deque<Order> orders;
    std::vector<Follower> followers;
    std::vector<std::uint64_t> gone;
    FakeJobs fake_jobs;
    bool echoes_at_once = false;
    bool is_stopping = false;

    static CallAnswer echo(const CallRequest& request) {
        return CallAnswer{.content_type = request.content_type,
                          .body = request.body,
                          .copy = 3,
                          .worker_pid = 4711,
                          .device = "cpu",
                          .queue = std::chrono::microseconds{1'500},
                          .load = {},
                          .run = std::chrono::nanoseconds{12'345'678}};
    }
    static ModelStatus status(const std::string& name) {
        return ModelStatus{.name = name, .residency = "cold", .device = "cpu"};
    }

    // Answers the oldest call with its own body.
    void answer_call() { finish_call(echo(calls.front().request)); }
    void finish_call(base::Result<CallAnswer> result) {
        Call call = std::move(calls.front());
        calls.pop_front();
        call.reply("r" + std::to_string(call.number), std::move(result));
    }

    std::uint64_t call(CallRequest request, CallReply reply) override {
        const std::uint64_t number = ++last_number_;
        if (echoes_at_once) {
            reply("r" + std::to_string(number), echo(request));
            return 0;
        }
        calls.push_back({number, std::move(request), std::move(reply)});
        return number;
    }
    std::uint64_t order(ModelOrder order, ModelReply reply) override {
        orders.push_back({++last_number_, std::move(order), std::move(reply)});
        return last_number_;
    }
    std::uint64_t forward(CallRequest request, ForwardHooks hooks) override {
        hooks.fail({}, base::fail(base::Errc::unsupported, request.model + " serves no HTTP"));
        return 0;
    }
    void forward_started(std::uint64_t) override {}
    void forward_moved(std::uint64_t, Mover) override {}
    void forward_ended(const ForwardPlace&, const std::optional<base::Error>&) override {}
    void client_gone(std::uint64_t request) override { gone.push_back(request); }

    base::Result<ExplanationStatus> explain(std::string_view subject) const override {
        if (subject != "r17") return base::fail(base::Errc::not_found, "it has its answer");
        return ExplanationStatus{.subject = "r17",
                                 .kind = "request",
                                 .model = "digits",
                                 .asked = "call",
                                 .state = "waiting",
                                 .reason = "paused"};
    }
    std::vector<ExplanationStatus> explanations() const override { return {*explain("r17")}; }

    base::Result<ModelStatus> model(std::string_view name) const override {
        if (name == "digits") return status("digits");
        return base::fail(base::Errc::not_found, "there is no model \"" + std::string{name} + "\"");
    }
    std::vector<ModelStatus> models() const override { return {status("digits")}; }
    std::vector<WorkerStatus> worker_statuses() const override { return {fake_worker(3)}; }
    base::Result<WorkerStatus> kill_worker(std::uint64_t id) override {
        if (id != 3) return base::fail(base::Errc::not_found, "there is no worker of that id");
        return fake_worker(id);
    }
    std::vector<IncidentStatus> incidents() const override { return fake_incidents(); }
    DevicesStatus devices() const override { return fake_devices(); }
    static base::EventRecord event(std::uint64_t number) {
        return {.number = number,
                .time_ms = 1'767'323'045'678,
                .code = "model.ready",
                .model = "digits",
                .worker = 3,
                .pid = 4711,
                .device = "cpu",
                .fields = R"({"took":"1s"})"};
    }
    void list_events(base::EventQuery query, EventsReply reply) override {
        const std::uint64_t number = query.after.value_or(0) + 1;
        reply(base::EventPage{.events = {event(number)}, .first = 1, .last = number});
    }
    void follow_events(base::EventQuery query, ReplyStream stream) override {
        followers.push_back({std::move(query), std::move(stream)});
    }
    JobBackend& jobs() override { return fake_jobs; }
    Health health() const override {
        return Health{.stopping = is_stopping,
                      .version = "0.1.0",
                      .commit = "abc",
                      .daemon_id = "d1",
                      .configuration = "/etc/windlass.toml",
                      .uptime = std::chrono::milliseconds{1'250}};
    }
    std::optional<Unready> unready() const override {
        if (!is_stopping) return std::nullopt;
        return Unready{base::fail(base::Errc::unavailable, "it stops"), "digits"};
    }
    std::string metrics(const ConnectionCounters& connections) override {
        return "connections_open " + std::to_string(connections.open) + "\n";
    }

  private:
    std::uint64_t last_number_ = 0;
};

}  // namespace windlass::http::testing
