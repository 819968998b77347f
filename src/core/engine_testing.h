// For tests: an engine with one model, told event by event.
#pragma once

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "core/engine.h"

namespace windlass::core::testing {

inline constexpr ModelId kModel{1};
inline constexpr Generation kFirst{1};
inline constexpr Generation kSecond{2};
inline constexpr DeviceId kGpu{1};
inline constexpr DeviceId kOther{2};

// GPU-0, GPU-1, ..., on which unknown memory is refused.
inline DeviceSettings gpus(int count = 1, Bytes capacity = Bytes{std::uint64_t{24} << 30}) {
    DeviceSettings settings{.on_unknown_memory = UnknownMemory::refuse, .known = {}};
    for (int i = 0; i < count; ++i) {
        settings.known.push_back(
            {.uuid = "GPU-" + std::to_string(i), .kind = DeviceKind::gpu, .capacity = capacity});
    }
    return settings;
}

inline ModelSpec model_of(Bytes need, const char* name = "digits") {
    return {.name = name, .need = {.kind = NeedKind::bytes, .bytes = need}, .prefetch = 0};
}

// An engine with one model, and what it commanded last.
class Story {
  public:
    explicit Story(ModelSpec spec = {}, DeviceSettings devices = {})
        : engine_({named(std::move(spec))}, std::move(devices)) {}
    Story(std::vector<ModelSpec> specs, DeviceSettings devices)
        : engine_(std::move(specs), std::move(devices)) {}

    void happen(const Event& event) {
        commands_.clear();
        engine_.handle(event, now_, commands_);
        engine_.check_invariants();
    }
    void wait(Duration duration) {  // every deadline on the way is delivered at its own time
        const Instant end = now_ + duration;
        Commands all;
        while (true) {
            const Instant due = engine_.next_deadline().value_or(Instant::max());
            if (due > end) break;
            now_ = due;
            happen(TimePassed{});
            all.insert(all.end(), commands_.begin(), commands_.end());
        }
        now_ = end;
        commands_ = std::move(all);
    }
    // The loop is late: what is due meanwhile was not told.
    void be_late(Duration duration) { now_ = now_ + duration; }
    void call(std::uint64_t id, Duration timeout = std::chrono::hours{1},
              std::uint8_t priority = 4) {
        happen(CallArrived{RequestId{id}, kModel, priority, timeout, timeout});
    }
    void make_ready(Generation generation = kFirst) {
        happen(WorkerHello{generation});
        happen(WorkerLoaded{generation});
    }
    void begin(std::uint64_t id, Generation generation = kFirst) {
        happen(RunStarted{generation, RequestId{id}});
    }
    void answer(std::uint64_t id, Generation generation = kFirst) {
        happen(RunAnswered{generation, RequestId{id}});
    }

    // Answers the open question of a device.
    void sample(DeviceId device, std::optional<Bytes> used, std::vector<OwnMemory> own = {},
                bool own_known = true) {
        happen(DeviceSampled{device, engine_.devices().find_device(device)->sequence, used,
                             std::move(own), own_known});
    }
    bool is_asked(DeviceId device) const { return engine_.devices().find_device(device)->is_asked; }

    template <class Wanted>
    const Wanted* find() const {
        for (const Command& command : commands_) {
            if (const auto* wanted = std::get_if<Wanted>(&command)) return wanted;
        }
        return nullptr;
    }
    const Respond* response(std::uint64_t id) const {
        for (const Command& command : commands_) {
            const auto* respond = std::get_if<Respond>(&command);
            if (respond != nullptr && respond->request == RequestId{id}) return respond;
        }
        return nullptr;
    }
    // Of one that was refused.
    const base::Error& error_of(std::uint64_t id) const {
        const Respond* respond = response(id);
        const base::Error* error =
            respond != nullptr && respond->error ? &*respond->error : nullptr;
        WL_ASSERT(error != nullptr);
        return *error;
    }
    const base::MemoryShortage& memory_of(std::uint64_t id) const {
        const base::Error& error = error_of(id);
        const base::MemoryShortage* memory = error.memory ? &*error.memory : nullptr;
        WL_ASSERT(memory != nullptr);
        return *memory;
    }
    bool was_sent(std::uint64_t id) const {
        return std::ranges::any_of(commands_, [&](const Command& command) {
            const auto* dispatch = std::get_if<Dispatch>(&command);
            return dispatch != nullptr && dispatch->request == RequestId{id};
        });
    }
    const Report* report(EventCode code) const {
        for (const Command& command : commands_) {
            const auto* report = std::get_if<Report>(&command);
            if (report != nullptr && report->code == code) return report;
        }
        return nullptr;
    }
    bool was_refused(std::uint64_t id, base::Errc code) const {
        const Respond* respond = response(id);
        return respond != nullptr && respond->error && respond->error->code == code;
    }
    Instant now() const { return now_; }
    Residency residency() const { return engine_.view(kModel).residency; }
    Engine& engine() { return engine_; }

  private:
    static ModelSpec named(ModelSpec spec) {
        spec.name = "digits";
        return spec;
    }

    Engine engine_;
    Commands commands_;
    Instant now_{std::chrono::hours{1}};
};

}  // namespace windlass::core::testing
