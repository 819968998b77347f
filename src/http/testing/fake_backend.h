// For tests: a Backend that writes down what it is asked and answers when the test says so.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "http/api.h"

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

    std::deque<Call> calls;  // in the order of their arrival
    std::deque<Order> orders;
    std::vector<std::uint64_t> gone;
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
    void client_gone(std::uint64_t request) override { gone.push_back(request); }

    base::Result<ModelStatus> model(std::string_view name) const override {
        if (name == "digits") return status("digits");
        return base::fail(base::Errc::not_found, "there is no model \"" + std::string{name} + "\"");
    }
    std::vector<ModelStatus> models() const override { return {status("digits")}; }
    static WorkerStatus worker(std::uint64_t id) {
        return {.id = id,
                .pid = 4711,
                .model = "digits",
                .device = "cpu",
                .state = "ready",
                .since = std::chrono::seconds{2},
                .memory = {.used = {.now = base::Bytes{7}}},
                .runs = {{.request = "r1", .since = std::chrono::seconds{1}}},
                .heartbeat_age = std::chrono::milliseconds{300},
                .progress = ProgressStatus{.request = "r1", .step = 3, .age = {}}};
    }
    std::vector<WorkerStatus> worker_statuses() const override { return {worker(3)}; }
    base::Result<WorkerStatus> kill_worker(std::uint64_t id) override {
        if (id != 3) return base::fail(base::Errc::not_found, "there is no worker of that id");
        return worker(id);
    }
    std::vector<IncidentStatus> incidents() const override {
        return {{.id = 1,
                 .detected_at = "2026-01-02T03:04:05.678Z",
                 .worker = 3,
                 .pid = 4711,
                 .model = "digits",
                 .device = "cpu",
                 .request = "r1",
                 .cause = base::fail(base::Errc::timeout, "too long"),
                 .how = "was killed by signal 9 (SIGKILL)",
                 .leftovers = 1,
                 .steps = {{"detected", {}}, {"killed", std::chrono::milliseconds{2'000}}},
                 .evidence =
                     EvidenceStatus{.took = std::chrono::milliseconds{70},
                                    .is_complete = true,
                                    .threads = {{.process = 4711,
                                                 .thread = 4712,
                                                 .name = "python3",
                                                 .state = "S",
                                                 .wait_channel = "futex_wait",
                                                 .native_stack = {"0x1 f+0x2 (libc.so.6)"}}},
                                    .python_stacks = {"Thread 0x1 (most recent call first):"},
                                    .missing = {"kernel stack of thread 4712: not permitted"}}}};
    }
    DevicesStatus devices() const override {
        return {
            .devices = {{.uuid = "GPU-1",
                         .kind = "gpu",
                         .state = "unresponsive",
                         .state_since = std::chrono::seconds{7},
                         .trouble = "it hangs",
                         .name = "H100",
                         .capacity =
                             Measured{base::Bytes{1024}, "nvml", std::chrono::milliseconds{1'500}},
                         .holders = {{.pid = 7, .model = "digits", .generation = 3}, {.pid = 8}},
                         .holders_known = true}},
            .listing_trouble = "no answer"};
    }
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
