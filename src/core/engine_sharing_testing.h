// For tests: models that share one GPU, and workers that do as they are told.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "core/engine_testing.h"

namespace windlass::core::testing {

inline ModelSpec needing(Bytes need, const char* name) {
    return {.name = name,
            .need = {.kind = NeedKind::bytes, .bytes = need},
            .unload_after = {},
            .prefetch = 0};
}

// Models on one GPU; workers take what they claim, and answer when told.
class Shared {
  public:
    static constexpr Duration kLoad = std::chrono::seconds{1};

    explicit Shared(std::vector<ModelSpec> specs, Bytes capacity = Bytes{std::uint64_t{10} << 30})
        : story_(std::move(specs), gpu(capacity)) {}

    void call(std::uint64_t request, std::uint64_t model) {
        story_.happen(CallArrived{RequestId{request}, ModelId{model}, 4, std::chrono::hours{1},
                                  std::chrono::hours{1}});
        settle();
    }
    // The worker of a model comes up and loads; every load takes one second.
    void load(std::uint64_t model) {
        const Generation generation = this->generation(model);
        pass(kLoad);
        story_.happen(WorkerHello{generation});
        story_.happen(WorkerLoaded{generation});
        settle();
    }
    void run(std::uint64_t request, std::uint64_t model) {
        story_.begin(request, generation(model));
        story_.answer(request, generation(model));
        settle();
    }
    void serve(std::uint64_t request, std::uint64_t model) {  // from cold to idle
        call(request, model);
        load(model);
        run(request, model);
    }
    void exit(std::uint64_t model) {
        story_.happen(WorkerExited{generation(model), "exit status 0"});
        settle();
    }
    void pass(Duration duration) {
        const Instant end = story_.now() + duration;
        while (story_.now() < end) {
            story_.wait(std::min<Duration>(std::chrono::milliseconds{100}, end - story_.now()));
            settle();
        }
    }
    void let_strangers_use(Bytes bytes) {
        foreign_ = bytes;
    }  // of the device, from the next look on
    Residency residency(std::uint64_t model) {
        return story_.engine().view(ModelId{model}).residency;
    }
    Generation generation(std::uint64_t model) {
        return story_.engine().view(ModelId{model}).generation;
    }
    Story& story() { return story_; }

  private:
    static DeviceSettings gpu(Bytes capacity) {
        return {
            .on_unknown_memory = UnknownMemory::refuse,
            .known = {
                {.uuid = "GPU-0", .kind = DeviceKind::gpu, .capacity = capacity, .make = "gpu"}}};
    }
    // The device answers at once: what claims of living processes say.
    void settle() {
        while (story_.is_asked(kGpu)) {
            Bytes used = foreign_;
            std::vector<OwnMemory> own;
            const auto* device = story_.engine().devices().find_device(kGpu);
            for (const auto& [generation, claim] : device->ledger.claims()) {
                if (claim.stage == ClaimStage::departed) continue;
                own.push_back({generation, claim.bytes});
                used = used + claim.bytes;
            }
            story_.sample(kGpu, used, own);
        }
    }

    Story story_;
    Bytes foreign_;
};

}  // namespace windlass::core::testing
