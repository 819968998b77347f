// The devices there are: their ledgers, whose claims are in them, and when each is asked how full
// it is. Knows nothing of models but their ids; the engine decides who gets what.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/command.h"
#include "core/device_holding.h"
#include "core/device_ledger.h"
#include "core/device_spec.h"
#include "core/event.h"
#include "core/ids.h"
#include "core/margin.h"
#include "core/placement.h"

namespace windlass::core {

class Devices {
  public:
    // A claim that was measured keeps them beyond it.
    static constexpr std::uint64_t kMarginDivisor = core::kMarginDivisor;
    static constexpr Bytes kMargin = core::kMargin;
    static constexpr Duration kFreshFor = std::chrono::seconds{1};
    // So long a copy waits for a device that may be the better place. Answers take a few ms; with
    // the pause between two questions it stays below the second of A3.5.
    static constexpr Duration kPatience = std::chrono::milliseconds{250};

    explicit Devices(DeviceSettings settings);

    // --- what happens to devices
    void find(const DeviceFound& event);
    void lose(DeviceId id);
    // False: an answer to a question that is not open; nothing has changed.
    bool measure(const DeviceSampled& event, Instant now, Commands& out);
    bool on_silent(DeviceId id, std::uint64_t sequence);
    // Its question is open for too long to hold others up. False: for so long that it is silent.
    bool lose_patience(DeviceId id, Instant now);
    // Asks how full it is, unless it is being asked.
    void ask(DeviceId id, Instant now, Commands& out);
    void expire(DeviceId id) { devices_.at(id).is_fresh = false; }

    // --- claims
    void claim(Generation generation, ModelId model, const Placed& placed);
    void lend(Generation generation, const Placed& placed, Instant now, Commands& out);
    void on_loaded(Generation generation, Instant now, Commands& out);
    // The first run of a replica whose need is not known: true, and it claims all there is; or it
    // waits, and nothing new is placed beside it. Asks the device where that is what it waits for.
    bool begin_first_run(Generation generation, Instant now, Commands& out);
    void forgo_first_run(Generation generation);  // nobody wants it any more
    void end_first_run(Generation generation, bool had_begun, Instant now, Commands& out);
    // Its process does not die: it keeps what it was seen to use, and holds up no load.
    void abandon(Generation generation, Instant now, Commands& out);
    // Its exit was seen. True: that is the proof, its bytes are free.
    bool depart(Generation generation, Instant now, Commands& out);
    void fence(Generation generation, Instant now, Commands& out);  // the settle deadline
    bool is_departed(Generation generation) const;

    // --- what is learned from it
    // The most that a process was seen to use, if others should hear of it now: after its first
    // run, when it has grown by more than a share of the margin, and as its last word.
    std::optional<Bytes> take_peak(Generation generation, bool is_last);
    // It ran out of memory: what it used is not what it needs.
    void stop_teaching(Generation generation) { holdings_.at(generation).teaching.reset(); }
    // --- how it grows, while nothing runs in it
    // Its last run is over, or it came back. True: its device is to be asked about that, when that
    // is due.
    bool note_rest(Generation generation);
    // By how much it has grown since it was first measured like this, if the device's latest answer
    // tells, which was to this question; the first one is what later ones are compared with.
    std::optional<Bytes> measure_growth(Generation generation, DeviceId id, std::uint64_t sequence);
    void forget_growth(Generation generation);

    // --- weights that leave their device, and come back (devices_moves.cpp)
    enum class Parking : std::uint8_t { taken, asking, refused };
    // A place for them in the host's memory, as large as what its process has of the device, beside
    // what is promised there. `asking`: it is being asked how full the host is, or what it has.
    Bytes weight_of(Generation generation) const;
    Parking may_park(Generation generation, Bytes promised, Instant now, Commands& out);
    Parking park(Generation generation, Bytes promised, Instant now, Commands& out);
    void on_away(Generation generation, Instant now, Commands& out);
    void on_return_failed(Generation generation, Instant now, Commands& out);
    // Claims in full what it had before, beside what is promised to others. Why not; empty: it may
    // come back.
    std::optional<Shortage> claim_return(Generation generation, Bytes promised, Instant now,
                                         Commands& out);
    void on_returned(Generation generation, Instant now, Commands& out);
    // Its device has told, since they left, how little room there is; or it tells nothing.
    bool is_return_judged(Generation generation) const;
    void unpark(Generation generation);  // its place is needed no more
    const std::map<Generation, Parked>& parked() const { return parked_; }

    // --- where a copy may go
    struct Choice {
        std::vector<Candidate> candidates;
        bool is_waiting = false;     // for the answer of one that may be a candidate
        bool is_incomplete = false;  // one is there that does not answer
    };
    // Asks those whose last answer is too old.
    Choice candidates(const DeviceChoice& choice, const Need& need, Instant now, Commands& out);
    bool is_eligible(const DeviceChoice& choice, const Device& device) const;
    // One of them is there and does not leave questions unanswered.
    bool has_answering(const DeviceChoice& choice) const;
    UnknownMemory policy() const { return settings_.on_unknown_memory; }
    Instant answer_due(const Device& device) const {
        return saturating_add(device.asked, settings_.answer_timeout);
    }

    // --- when what is due; the engine arms its timers by these
    // When its question has been open for too long: at first for others to wait for it.
    std::optional<Instant> answer_limit(const Device& device) const;
    // `is_awaited`: somebody waits for memory, here or elsewhere.
    std::optional<Instant> sample_due(const Device& device, bool is_awaited) const;
    Instant settle_limit(Instant exit) const {
        return saturating_add(exit, settings_.settle_timeout);
    }

    const Device* find_device(DeviceId id) const;
    const Device& device(DeviceId id) const { return devices_.at(id); }  // one that was found
    const std::map<DeviceId, Device>& all() const { return devices_; }
    const std::map<Generation, Holding>& holdings() const { return holdings_; }

    void encode(StateEncoder& encoder) const;
    void check_invariants() const;
    friend bool operator==(const Devices&, const Devices&) = default;

  private:
    void release(Generation generation, Commands& out);
    static void expire_late(Device& device, Instant now);
    bool may_be_alone(DeviceId id, Instant now, Commands& out);
    void settle_provisional(DeviceId id, Instant now, Commands& out);
    void note_peaks(DeviceId id);
    void settle_parked(DeviceId id, Instant now, Commands& out);
    void check_parked() const;
    struct HostPlace {
        Parking parking;
        std::optional<Placed> placed = {};  // none, although taken: nobody keeps that memory
    };
    HostPlace find_host(Generation generation, Bytes weight, Bytes promised, Instant now,
                        Commands& out);

    DeviceSettings settings_;
    std::map<DeviceId, Device> devices_;
    std::map<Generation, Holding> holdings_;  // claims and fences
    std::map<Generation, Parked> parked_;     // they have a claim on the host, too
};

}  // namespace windlass::core
