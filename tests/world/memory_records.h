// What the oracle has written down of devices, of the claims on them, and of who was let in.
#pragma once

#include <cstdint>
#include <optional>

#include "core/engine.h"

namespace windlass::world {

using core::Bytes;
using core::DeviceId;
using core::Generation;

inline Bytes above(Bytes a, Bytes b) { return a > b ? a - b : Bytes{}; }

struct BookedClaim {
    DeviceId device;
    std::optional<Bytes> need;                  // empty: all there was
    std::optional<Bytes> learned = {};          // it was that, and what was there of a margin
    bool may_be_all = false;                    // the same, or none: it was silent, or just then
    bool is_all = false;                        // its model needs to be alone
    bool is_returned = false;                   // what it had, in this very turn
    Bytes measured;                             // of its own, by the last answer
    Bytes high;                                 // the most of that
    std::optional<std::uint64_t> exit_after;    // the last question before its exit was seen
    bool is_covered = false;                    // a later one was answered, with numbers
    std::optional<std::uint64_t> loaded_after;  // the last question before its load was over
    // Its weights are away: the last question before they were, and what an answer to a later
    // one has shown that it kept.
    std::optional<std::uint64_t> away_after = {};
    std::optional<Bytes> kept = {};
    bool is_kept_known = false;                      // processes were told apart in it
    bool is_parked = false;                          // it has a place on the host
    Bytes parked = {};                               // so much of it, at least
    std::optional<std::uint64_t> parked_after = {};  // the last question there before it was

    // What nobody may have but it: until it is shown to be gone.
    std::optional<Bytes> held() const { return kept ? kept : need; }
};

struct BookedDevice {
    core::DeviceSpec spec;
    bool is_lost = false;
    bool is_silent = false;
    core::Instant silent_since;
    bool is_asked = false;
    bool is_stale = false;  // since its last answer, something changed that it does not count
    core::Instant answered;
    std::uint64_t sequence = 0;
    core::Instant asked;
    std::optional<core::DeviceSampled> last;  // answer
    bool has_told = false;                    // some answer named processes
};

// Somebody was given memory in this turn, and what was known as that was decided.
enum class Entry : std::uint8_t { launched, restored, parked };
struct Admission {
    Entry entry = Entry::launched;
    // Its memory gives way, nobody asks how full it is; or it becomes silent in this very instant:
    // the last answer holds, or none does.
    bool is_excused = false;
    bool is_known = false;           // the device says how full it is
    bool is_fresh = false;           // and has said so lately
    bool is_told = false;            // processes were told apart in that
    bool needs_beside = false;       // there is one, or it is one, that needs all
    std::optional<Bytes> need = {};  // empty: all there is, or it cannot be judged
    Bytes room = {};
    Bytes used = {};
    Bytes claimed = {};
    Bytes outstanding = {};  // claimed beyond what is used
};

}  // namespace windlass::world
