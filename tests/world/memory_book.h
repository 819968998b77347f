// The oracle's own bookkeeping of device memory, from events and commands alone: who claims what,
// what the last answer said, whose bytes were proved to be back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.h"
#include "world/flat_map.h"
#include "world/invariants.h"
#include "world/memory_records.h"

namespace windlass::world {

class MemoryBook {
  public:
    explicit MemoryBook(core::DeviceSettings settings);

    void on(const core::DeviceFound& event);
    void on(const core::DeviceSampled& event, core::Instant now);
    void on(const core::DeviceSilent& event, core::Instant now);
    void on(const core::DeviceLost& event);
    void on(const core::SampleDevice& command, core::Instant now);
    void on(const core::NeedRecalled& event, const core::ModelSpec& spec);
    void on(const core::RememberPeak& command, const core::ModelSpec& spec);
    void on(const core::ForgetPeaks& command, const core::ModelSpec& spec);
    void on_time(core::Instant now);  // a question may have gone unanswered
    // `is_doubted`: its need, if that was only learned.
    void on(const core::Launch& command, const core::ModelSpec& spec, bool is_doubted,
            core::Instant now);
    void on_loaded(Generation generation);
    void on_exit(Generation generation);
    void on_set_aside(Generation generation);     // it keeps nobody out any more
    void on_returned(Generation generation);      // said to be; check() judges it
    void on_load_retried(Generation generation);  // its device is asked before the next try
    void on_offload(Generation generation, core::Instant now);  // there must be room on the host
    void on_away(Generation generation);
    void on_restore(Generation generation, core::Instant now);  // and on its device again
    void on_came_back(Generation generation);

    void begin_event() { admissions_.clear(); }
    void settle(const core::Engine& engine);  // claims end that the engine has released
    const FlatMap<Generation, BookedClaim>& claims() const { return claims_; }
    // By what was just decided.
    const std::vector<Admission>& admissions() const { return admissions_; }

    bool is_asked(DeviceId id) const { return devices_.at(id).is_asked; }
    std::uint64_t last_question(DeviceId id) const { return devices_.at(id).sequence; }
    bool is_lost(DeviceId id) const { return devices_.at(id).is_lost; }
    bool is_mute(DeviceId id) const { return is_lost(id) || devices_.at(id).is_silent; }
    // It is a GPU that said how full it is. `is_sure`: and does not fall silent in this instant.
    bool is_known(DeviceId id, core::Instant now, bool is_sure) const;
    // It is not known just now how full it is.
    bool is_unsure(DeviceId id, core::Instant now) const;
    bool admits_unknown() const {
        return settings_->on_unknown_memory == core::UnknownMemory::admit;
    }
    // A wait for memory is true: no device has room for the model, as far as the last answers tell;
    // or one is being asked whose last answer is too old, and not for too long.
    // `reserved`: nothing new goes there.
    bool is_short(const core::ModelSpec& spec, const std::set<DeviceId>& reserved,
                  core::Instant now) const;
    // So is a wait of weights that are away for their bytes.
    bool is_short_of(Generation generation, core::Instant now) const;
    // They are away, and no answer has shown yet what their process keeps.
    bool has_left(Generation generation) const;
    bool is_cpu(DeviceId id) const { return devices_.at(id).spec.kind == core::DeviceKind::cpu; }
    bool has_answering(const core::ModelSpec& spec) const;
    bool may_use(const core::ModelSpec& spec, DeviceId id) const {
        return may_use(spec, devices_.at(id));
    }
    // It is configured, or was learned there.
    bool is_need_known(const core::ModelSpec& spec, DeviceId id) const;
    // Once all of these are gone there is room for the model on the device; for weights that come
    // back, if it is a return, which asks for what they had and for no more than the device has.
    bool would_fit(const core::ModelSpec& spec, DeviceId id, const std::set<Generation>& leaving,
                   Generation returning) const;
    // So there is if only these go, for certain: nothing moves there, nobody is unknown, and the
    // last answer tells all of that.
    bool could_make_room(const core::ModelSpec& spec, DeviceId id,
                         const std::set<Generation>& movable, core::Instant now) const;
    std::vector<DeviceId> device_ids() const;
    core::Instant answered(DeviceId id) const { return devices_.at(id).answered; }
    // Where nothing moves, nobody is dead, and all needs are configured; empty: not that certain.
    std::optional<Bytes> free_for_certain(DeviceId id) const;
    bool is_any_asked() const;
    std::uint64_t print() const;  // of what is known of devices
    bool has_departed() const;    // somebody's memory is not proved to be back
    // Waiting cannot help: it never fits, or nothing says how full the device is.
    bool is_hopeless(const core::ModelSpec& spec, core::Instant now) const;

    const std::optional<Breach>& broken() const { return broken_; }
    void encode(core::StateEncoder& encoder) const;

  private:
    // Empty: all there is.
    std::optional<Bytes> need_on(const core::ModelSpec& spec, const BookedDevice& device) const;
    std::optional<Bytes> learned_on(const core::ModelSpec& spec, const BookedDevice& device) const;
    bool may_use(const core::ModelSpec& spec, const BookedDevice& device) const;
    // What all claims of the device still lack, on top of what the last answer counts.
    Bytes outstanding(DeviceId id) const;
    Bytes claimed(DeviceId id) const;  // by the living, and the dead that no answer covers
    bool is_taken(const core::ModelSpec& spec, DeviceId id) const;  // by or for one that needs all
    bool has_room(const core::ModelSpec& spec, DeviceId id, const BookedDevice& device) const;
    static bool is_fresh(const BookedDevice& device, core::Instant now);
    // What a load took there may look like a stranger's until an answer has all of it.
    bool is_unmeasured(DeviceId id) const;
    bool is_slow(DeviceId id, core::Instant now) const;
    bool is_awaited(DeviceId id, core::Instant now) const;
    void on_time(DeviceId id, const BookedDevice& device, core::Instant now);
    void forget_measured(DeviceId id);
    void unpark(BookedClaim& claim);
    Admission admit(Entry entry, DeviceId id, std::optional<Bytes> need) const;
    bool is_falling_silent(const BookedDevice& device, core::Instant now) const;
    void fail(Invariant invariant, const std::string& sentence);

    std::shared_ptr<const core::DeviceSettings> settings_;  // of all copies
    FlatMap<DeviceId, BookedDevice> devices_;
    FlatMap<Generation, BookedClaim> claims_;  // until they are proved
    // What was learned, the oldest first, by model and make of the device.
    std::map<std::pair<std::string, std::string>, std::vector<Bytes>> peaks_;
    std::vector<Admission> admissions_;
    std::optional<Breach> broken_;
};

}  // namespace windlass::world
