// What really lies in the memory of devices: of strangers, of workers, of the dead. The engine sees
// only answers to its questions; here its beliefs are held against the truth.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "core/engine.h"

namespace windlass::world {

using core::Bytes;
using core::DeviceId;
using core::Generation;
using core::Instant;

struct TrueDevice {
    struct Left {  // by a reaped process
        Bytes bytes;
        Bytes claimed;  // when it was reaped: nobody knew of more
        Instant until = Instant::max();
    };

    core::DeviceSpec spec;
    bool is_lost = false;
    Bytes foreign;
    // By how much strangers have shrunk since the engine last saw them alone with the living: what
    // they give back beside the dead cannot be told from what the dead do.
    Bytes given_back;
    // Who loads together shares what rose, where an answer does not tell processes apart. One that
    // was given too large a share may hide as much with each answer.
    Bytes hidden;
    std::set<Generation> together;
    // So much of what it has looked like a stranger's when its own was told last, where an answer
    // does not tell processes apart. While its weights move nobody tells, and that stays so.
    std::map<Generation, Bytes> mistaken;
    std::map<Generation, Bytes> own;
    std::map<Generation, Left> left;

    Bytes used(Instant now) const;
    Bytes overrated(const core::DeviceLedger& ledger) const;  // of those who loaded together
    void note_together(const core::DeviceLedger& ledger);
    void note_mistaken(const core::DeviceLedger& ledger);
    void set_foreign(Bytes bytes);
    // Its process was reaped, and what it held lies there until then. Before the engine hears it.
    void end(const core::Engine& engine, DeviceId id, Generation generation, Instant until);
    // The engine is about to hear how full it is. `clean_foreign`: what strangers had when that was
    // measured, if nobody had left anything.
    void on_answer(const core::Engine& engine, DeviceId id, std::optional<Bytes> clean_foreign,
                   bool own_known);
};

using TrueMemory = std::map<DeviceId, TrueDevice>;

TrueMemory true_memory(const core::DeviceSettings& settings);

// A law: whatever the dead left is claimed or fenced until it is gone; less only by what cannot be
// told apart. Empty: it is so. To be asked after each event.
std::optional<std::string> find_forgotten(const TrueMemory& memory, const core::Engine& engine,
                                          Instant now);

}  // namespace windlass::world
