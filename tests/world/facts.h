// What the oracle knows: what was asked, ordered, said and measured, and what follows from that.
// The ledger writes it down; invariants.cpp looks at it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.h"
#include "world/flat_map.h"
#include "world/forecast.h"
#include "world/job_records.h"
#include "world/lease_records.h"
#include "world/memory_book.h"
#include "world/records.h"

namespace windlass::world {

struct Facts {
    using Specs = std::vector<core::ModelSpec>;
    Facts(Specs configured, core::DeviceSettings devices)
        : specs(std::make_shared<const Specs>(std::move(configured))), memory(std::move(devices)) {}

    std::shared_ptr<const Specs> specs;  // of all copies, until it changes
    MemoryBook memory;
    FlatMap<ModelId, Model> models;
    FlatMap<RequestId, Request> requests;  // ever made
    FlatSet<RequestId> unanswered;
    FlatSet<RequestId> answered_now;  // in the instant in which somebody was last heard
    Instant heard;
    FlatMap<RequestId, MemoryLease> leases;
    Jobs jobs;
    FlatSet<RequestId> memory_waiters;  // calls that were last said to wait for memory or a device
    FlatMap<Generation, Process> processes;  // launched and not seen to end
    FlatMap<Generation, Process> standbys;   // so are these, for no load yet
    bool shutting_down = false;
    Duration grace{};
    Instant shutdown_began;
    Duration late{};  // by so much the loop has been late since time was last delivered
    Happened happened;
    std::uint64_t look_count = 0;                // of turns
    std::optional<core::Explanation> explained;  // to somebody who asked in this turn
    FlatMap<core::Step, Forecast> forecasts;

    const core::ModelSpec& spec(ModelId id) const { return specs->at(id.value - 1); }
    const Model& model(ModelId id) const;
    Process* find_process(Generation generation);  // of either kind; null: it is gone
    const Process* find_process(Generation generation) const;
    const Run* find_run(RequestId request) const;
    std::size_t waiting_count(ModelId model) const;

    bool is_loading(const Process& process, Instant now) const;
    // It claims all there is: for a load or a first run whose need nobody knows.
    bool is_alone(const Process& process, Instant now) const;
    // Between its breaker's opening and the end of the cool-down, unless an administrator wants it
    // loaded.
    bool must_rest(ModelId id, Instant now) const;
    bool has_broken_limit(const Process& process, Instant now) const;
    // A limit, its device, its own failure or an administrator ends it: no client does.
    bool may_be_ended(const Process& process, Instant now) const;
    bool is_spent(const Process& process) const;  // has made all its runs
    bool has_runs_left(const Process& process) const;
    bool has_grown(const Process& process) const;

    // waits.cpp: what a request waits for
    bool is_true(core::WaitReason reason, RequestId id, Instant now) const;
    bool is_store_behind(RequestId id, Instant now) const;
    std::size_t count_set_aside(ModelId id, Instant now) const;
    // Loaded, and something stands in the way of its first run.
    bool waits_for_run(Generation generation, const Process& process, Instant now) const;
    // Weights that are away wait for their own device, or for those who wait for longer.
    bool waits_for_return(ModelId id, Instant now) const;
    bool has_idle(ModelId id, Instant now) const;
    // Somebody waits for it to be loaded, and no process of it will serve him.
    bool wants_memory(ModelId id, Instant now) const;
    bool is_short(ModelId id, Instant now) const;
    // There a first run waits to be alone, and nothing new goes beside it.
    std::set<core::DeviceId> reserved(Instant now) const;
    // Others that wait for memory may have begun to do so earlier, and have what is free kept.
    bool is_behind(ModelId id, Instant now) const;
    // With all that leaves a device there is enough for one who waits.
    bool is_enough_leaving(core::DeviceId device, Instant now) const;

    // explanations.cpp: what people are told who ask why a request waits
    std::optional<std::string> find_lie(const core::Explanation& told, const core::Engine& engine,
                                        Instant now) const;
    Forecast forecast_of(const core::Explanation& told, const core::Change& next) const;
    Verdict judge(const Forecast& forecast, const core::Engine& engine, Instant now) const;
    std::optional<std::string> find_wrong_place(const core::Explanation& told) const;
    std::optional<std::string> find_wrong_limit(const core::Explanation& told) const;
    std::optional<std::string> find_wrong_runs(std::span<const core::Holder> holders) const;
    std::optional<std::string> find_wrong_holder(const core::MemoryWait& told) const;
    std::optional<std::string> find_wrong_sum(const core::MemoryWait& told) const;
    std::optional<std::string> find_wrong_mover(ModelId waiting, const core::MemoryWait& told,
                                                Instant now) const;
    std::uint64_t print_of(const Forecast& forecast) const;
    std::uint64_t print_of(Generation generation) const;
    std::uint64_t print_of_room() const;

    // fairness.cpp: turns, and how long somebody waits for memory
    bool is_turn_over(const Process& process, Instant now) const;  // it may be
    bool has_had_turn(const Process& process, Instant now) const;  // it is for certain
    bool has_waited_long(ModelId id, Instant now) const;           // for its max_wait
    bool is_anybody_starved(ModelId but_this, Instant now) const;  // has waited for long
    // It has waited for long, and longer than all others; nothing moves; and on this device those
    // who have had their turn could make room for it.
    bool is_owed_room(const core::Engine& engine, ModelId id, core::DeviceId device,
                      Instant now) const;
};

bool must_go(const Process& process);  // was told to
bool is_set_aside(const Process& process, Instant now);
bool is_move_over(const Process& process, Instant now);
bool is_leaving(const Process& process);
bool keeps_places(const Process& process);  // for jobs

}  // namespace windlass::world
