// A model that is ready on a board, has run and is idle, for tests of what becomes of its weights.
#pragma once

#include <optional>
#include <vector>

#include "core/engine_testing.h"

namespace windlass::core::testing {

inline constexpr DeviceId kBoard{1};
inline constexpr DeviceId kHost{2};
inline constexpr Bytes kWeights{std::uint64_t{6} << 30};
inline constexpr Bytes kBoardSize{std::uint64_t{10} << 30};
inline constexpr Bytes kHostSize{std::uint64_t{64} << 30};
inline constexpr Bytes kContext{std::uint64_t{300} << 20};

inline DeviceSettings machine(Bytes host = kHostSize) {
    return {.on_unknown_memory = UnknownMemory::refuse,
            .known = {{.uuid = "GPU-0", .kind = DeviceKind::gpu, .capacity = kBoardSize},
                      {.uuid = "cpu", .kind = DeviceKind::cpu, .capacity = host}}};
}

inline ModelSpec heavy(Bytes need, const char* name = "digits") {
    return {.name = name, .need = {.kind = NeedKind::bytes, .bytes = need}, .prefetch = 0};
}

// A model that is ready on the board, has answered one call and is idle from now on.
class Moves : public Story {
  public:
    explicit Moves(const ModelSpec& spec = heavy(kWeights), Bytes host = kHostSize)
        : Moves(std::vector{spec}, host) {}
    explicit Moves(std::vector<ModelSpec> specs, Bytes host = kHostSize)
        : Story(std::move(specs), machine(host)) {
        call(1);
        sample(kBoard, Bytes{});
        load(kFirst);
        begin(1);
        answer(1);
    }
    void load(Generation generation) {
        happen(WorkerHello{generation, true});
        happen(WorkerLoaded{generation});
    }
    // Answers what is asked meanwhile: the board is as full as the weights say, the host is empty.
    void pass(Duration duration, Bytes used) {
        const Instant end = now() + duration;
        while (true) {
            answer_all(used);
            const auto due = engine().next_deadline();
            if (!due || *due > end) break;
            wait(*due - now());
        }
        wait(end - now());
        answer_all(used);
    }
    void answer_all(Bytes used) {
        if (is_asked(kBoard)) sample(kBoard, used, {{kFirst, used}});
        if (is_asked(kHost)) sample(kHost, Bytes{});
    }
    void go_idle() { pass(std::chrono::minutes{5}, kWeights); }
    void go_away() {
        go_idle();
        happen(WorkerOffloaded{kFirst});
        answer_all(kContext);
    }
    const DeviceLedger& ledger(DeviceId id) { return engine().devices().find_device(id)->ledger; }
    Bytes claimed(DeviceId id) { return ledger(id).claimed(); }
    std::optional<WaitReason> reason(std::uint64_t id) {
        return engine().wait_reason(RequestId{id});
    }
};

inline Error trouble(base::Errc code = base::Errc::internal) {
    return base::fail(code, "said by its hook");
}

}  // namespace windlass::core::testing
