// Goal:   no run overlaps an offload or a restore, whenever calls come to a model that idles.
// Method: 10,000 seeds of 100 calls of two clients, each after a random pause: while the model is
//         busy, idle, leaving, away or coming back. Nothing fails; the oracle judges each turn.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/overloaded.h"
#include "simulation/fake_worker.h"
#include "world/ledger.h"

namespace windlass::simulation {
namespace {

using namespace std::chrono_literals;

#ifdef WINDLASS_SMALL_WORLDS_ONLY
constexpr std::uint64_t kRaceSeeds = 500;
#else
constexpr std::uint64_t kRaceSeeds = 10'000;
#endif
constexpr std::uint64_t kCalls = 100;  // of one seed

core::ModelSpec restless_model(Random& random) {
    return {.name = "m",
            .limits = {.offload_timeout = 100ms, .restore_timeout = 100ms},
            .concurrency = static_cast<std::uint32_t>(1 + random.below(2)),
            .run_timeout = 60ms,
            .offload_after = random.between(0ms, 30ms),
            .unload_after = {}};
}

// Neither device says how full it is, and the policy lets it pass.
core::DeviceSettings silent_devices() {
    return {.on_unknown_memory = core::UnknownMemory::admit,
            .known = {{.uuid = "GPU-0", .kind = core::DeviceKind::gpu, .is_measured = false},
                      {.uuid = "cpu", .kind = core::DeviceKind::cpu, .is_measured = false}}};
}

class Race {
  public:
    explicit Race(std::uint64_t seed)
        : random_(seed),
          spec_(restless_model(random_)),
          engine_({spec_}, silent_devices()),
          ledger_({spec_}, silent_devices()),
          now_(1h) {}

    // By where the model was when each call came.
    std::map<core::Residency, std::uint64_t> run() {
        std::map<core::Residency, std::uint64_t> met;
        for (std::uint64_t id = 1; id <= kCalls; ++id) {
            pass(random_.between(0ms, 120ms));
            ++met[engine_.view(core::ModelId{1}).residency];
            deliver(core::CallArrived{
                .request = RequestId{id}, .model = core::ModelId{1}, .timeout = 1h, .wait = 1h});
        }
        pass(1min);
        REQUIRE(ledger_.unanswered_count() == 0);
        REQUIRE(answered_ == kCalls);
        return met;
    }

  private:
    void pass(base::Duration duration) {
        const Instant end = now_ + duration;
        while (true) {
            const auto deadline = engine_.next_deadline();
            const Instant planned = planned_.empty() ? Instant::max() : planned_.begin()->first;
            const Instant next = std::min(planned, deadline.value_or(Instant::max()));
            if (next > end) break;
            now_ = std::max(now_, next);
            while (!planned_.empty() && planned_.begin()->first <= now_) {
                const core::Event event = std::move(planned_.extract(planned_.begin()).mapped());
                if (worker_ && worker_->happens(event)) deliver(event);
            }
            deliver(core::TimePassed{});
            ledger_.check_rest(engine_, now_);
            REQUIRE_FALSE(ledger_.violation().has_value());
        }
        now_ = end;
    }

    void deliver(const core::Event& event) {
        core::Commands commands;
        ledger_.observe(event, now_);
        engine_.handle(event, now_, commands);
        ledger_.observe(commands, now_);
        REQUIRE_FALSE(ledger_.violation().has_value());
        for (const core::Command& command : commands) carry_out(command);
    }

    void carry_out(const core::Command& command) {
        std::visit(
            base::Overloaded{
                [&](const core::Launch& c) { worker_.emplace(c.generation, spec_, hooks_, false); },
                [&](const core::Load&) { worker_.value().load(); },
                [&](const core::Offload&) { worker_.value().offload(); },
                [&](const core::Restore&) { worker_.value().restore(); },
                [&](const core::Dispatch& c) { worker_.value().dispatch(c.request); },
                [&](const core::Recall& c) { worker_.value().recall(c.request); },
                [&](const core::Respond& c) { answered_ += c.error ? 0u : 1u; },
                [](const auto&) {},
            },
            command);
    }

    Random random_;
    const core::ModelSpec spec_;
    core::Engine engine_;
    world::Ledger ledger_;
    Instant now_;
    std::uint64_t answered_ = 0;
    std::multimap<Instant, core::Event> planned_;
    const WorldHooks hooks_{
        .schedule = [this](base::Duration after,
                           core::Event event) { planned_.emplace(now_ + after, std::move(event)); },
        .strikes = [](Fault) { return false; },
        // Never so short that a hello says that weights cannot leave.
        .between =
            [this](base::Duration low, base::Duration high) {
                return random_.between(std::max(low, high / 4), high);
            },
        .take_memory = [](Generation) { return true; },
        .grow_memory = [](Generation) { return true; },
        .leave_device = [](Generation) {},
        .come_back = [](Generation) { return true; }};
    std::optional<FakeWorker> worker_;
};

}  // namespace

TEST_CASE("[A0.2] [R3] a million calls race with offloads, and none is run beside one") {
    std::map<core::Residency, std::uint64_t> met;
    for (std::uint64_t seed = 1; seed <= kRaceSeeds; ++seed) {
        CAPTURE(seed);
        for (const auto& [residency, count] : Race{seed}.run()) met[residency] += count;
    }
    for (const auto& [residency, count] : met)
        fmt::print("calls to a model that is {:<10} {:>8}\n", to_text(residency), count);
    for (const auto residency : {core::Residency::ready, core::Residency::offloading,
                                 core::Residency::offloaded, core::Residency::restoring}) {
        CHECK(met[residency] > kRaceSeeds * kCalls / 50);
    }
}

}  // namespace windlass::simulation
