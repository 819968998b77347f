// How an explanation is put together: reads the engine, and changes nothing. Used by
// Engine::explain() alone; engine_explain.cpp says what holds a request up,
// engine_explain_memory.cpp who holds the memory.
#pragma once

#include <optional>
#include <vector>

#include "core/engine.h"
#include "core/explanation.h"

namespace windlass::core {

// The earlier one.
inline void keep_earlier(std::optional<Change>& change, const std::optional<Change>& other) {
    if (other && (!change || other->at < change->at)) change = other;
}

// What it counts for in a ledger.
Bytes weight_in(const DeviceLedger& ledger, Generation generation, const Claim& claim);

class Explainer {
  public:
    explicit Explainer(const Engine& engine) : engine_(engine) {}

    std::optional<Explanation> request(RequestId id) const;
    ModelExplanation model(ModelId id) const;

  private:
    Explanation call(RequestId id, const Call& call) const;
    Explanation admin(RequestId id, const AdminWait& wait) const;
    Explanation lease(RequestId id, const MemoryLease& lease) const;
    std::optional<WaitReason> reason_of(const Model& model) const;
    void add_own_limits(Explanation& explanation) const;
    void add_model_part(Explanation& explanation, const Model& model) const;
    std::size_t count_ahead(RequestId id, const Call& call) const;

    std::vector<Holder> processes(const Model& model) const;
    std::optional<Change> next_of(const Model& model, WaitReason reason,
                                  const std::vector<Holder>& processes,
                                  const std::optional<MemoryWait>& memory) const;
    Holder process(const Replica& replica) const;
    std::optional<Change> until(ReplicaId id, const Replica& replica) const;
    std::optional<Change> end_of_use(ReplicaId id, const Replica& replica) const;

    MemoryWait memory(const Model& model) const;
    MemoryWait memory_on(DeviceId id) const;
    void add_need(const Model& model, MemoryWait& wait) const;
    void add_before(std::uint64_t place, MemoryWait& wait) const;
    std::vector<Holder> holders(DeviceId id) const;
    Holder holder(DeviceId id, Generation generation, const Claim& claim) const;
    RequestId lease_of(Generation generation) const;
    struct Foretold {
        DeviceId device;
        Instant at;
        std::vector<ReplicaId> movers;
    };
    std::optional<Foretold> foretell(const Model& model) const;
    void name_movers(const Foretold& foretold, MemoryWait& wait) const;
    std::vector<Place> places(const Model& model) const;
    std::optional<Change> device_change(DeviceId id) const;
    std::optional<Change> device_change(const DeviceChoice& choice) const;

    std::optional<Instant> timer(TimerKind kind, std::uint64_t id, std::uint32_t copy = 0) const {
        return engine_.deadlines_.find({kind, id, copy});
    }

    const Engine& engine_;
};

}  // namespace windlass::core
