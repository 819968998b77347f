// What one event costs the engine, by how much it holds: models and waiting requests. An iteration
// is the life of one request, and every handle() in it is timed by itself.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <vector>

#include "core/engine.h"

namespace {

namespace core = windlass::core;
using namespace std::chrono_literals;

std::vector<core::ModelSpec> make_specs(std::size_t count) {
    std::vector<core::ModelSpec> specs(count);
    for (std::size_t i = 0; i < count; ++i) {
        specs[i].name = fmt::format("model-{}", i);
        specs[i].queue_limit = 1'000'000;
        specs[i].prefetch = 1;
    }
    return specs;
}

// An engine with every model ready, and workers that begin what they are sent in its order.
class LoadedEngine {
  public:
    LoadedEngine(std::size_t model_count, std::size_t waiting_count)
        : engine_(make_specs(model_count)), workers_(model_count) {
        for (std::size_t i = 0; i < model_count; ++i) {
            arrive(i);
            happen(core::WorkerHello{generation_of(i)});
            happen(core::WorkerLoaded{generation_of(i)});
        }
        for (std::size_t i = 0; i < waiting_count; ++i) arrive(i % model_count);
        costs_.clear();
    }

    // One more request arrives, the oldest of its model is answered, and the next is sent.
    void turn() {
        const std::size_t model = turn_count_++ % workers_.size();
        arrive(model);
        happen(core::RunAnswered{generation_of(model), workers_[model].front()});
        workers_[model].pop_front();
        begin(model);
        happen(core::TimePassed{});
    }

    std::vector<std::int64_t> take_costs_ns() { return std::move(costs_); }

  private:
    // The models are launched in the order of their ids.
    static core::Generation generation_of(std::size_t model) { return {model + 1}; }

    void arrive(std::size_t model) {
        happen(core::CallArrived{{++last_request_}, {model + 1}, 4, 20min, 15min});
    }

    void begin(std::size_t model) {
        if (!workers_[model].empty()) {
            happen(core::RunStarted{generation_of(model), workers_[model].front()});
        }
    }

    void happen(const core::Event& event) {
        commands_.clear();
        now_ += 10us;
        const auto before = std::chrono::steady_clock::now();
        engine_.handle(event, now_, commands_);
        costs_.push_back((std::chrono::steady_clock::now() - before).count());
        std::vector<std::size_t> idle;
        for (const core::Command& command : commands_) {
            const auto* dispatch = std::get_if<core::Dispatch>(&command);
            if (dispatch == nullptr) continue;
            auto& held = workers_[dispatch->generation.value - 1];
            if (held.empty()) idle.push_back(dispatch->generation.value - 1);
            held.push_back(dispatch->request);
        }
        for (const std::size_t model : idle) begin(model);
    }

    core::Engine engine_;
    core::Instant now_{1h};
    core::Commands commands_;
    std::vector<std::deque<core::RequestId>> workers_;  // what each holds; the first has begun
    std::uint64_t last_request_ = 0;
    std::size_t turn_count_ = 0;
    std::vector<std::int64_t> costs_;
};

void handle_one_event(benchmark::State& state) {
    LoadedEngine engine{static_cast<std::size_t>(state.range(0)),
                        static_cast<std::size_t>(state.range(1))};
    for (auto _ : state) engine.turn();
    std::vector<std::int64_t> costs = engine.take_costs_ns();
    const auto at = [&](double share) {
        const auto place = costs.begin() + static_cast<std::ptrdiff_t>(
                                               share * static_cast<double>(costs.size() - 1));
        std::ranges::nth_element(costs, place);
        return static_cast<double>(*place);
    };
    state.counters["p50_ns"] = at(0.5);
    state.counters["p99_ns"] = at(0.99);
    state.counters["p99.9_ns"] = at(0.999);
}

BENCHMARK(handle_one_event)
    ->ArgNames({"models", "waiting"})
    ->Args({1, 0})
    ->Args({10, 1'000})
    ->Args({100, 10'000})
    ->Args({1'000, 100'000})
    ->Iterations(200'000);

}  // namespace

BENCHMARK_MAIN();
