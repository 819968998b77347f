// Leases on the raw memory of devices: to whom they may be granted, and when they must be over.
#include <algorithm>

#include "world/ledger.h"

namespace windlass::world {

using core::WaitReason;

void Ledger::on(const core::LeaseAsked& event, Instant now) {
    note_request(event.request, {.kind = RequestKind::lease,
                                 .model = {},
                                 .deadline = now + event.wait,
                                 .wait_deadline = now + event.wait});
    facts_.leases[event.request] = {
        .like = {.need = {.kind = core::NeedKind::bytes, .bytes = event.bytes},
                 .devices = event.devices},
        .duration = event.duration,
        .behind = facts_.memory_waiters};
}

void Ledger::on(const core::LeaseReturned& event, Instant) {
    const auto lease = facts_.leases.find(event.request);
    if (lease != facts_.leases.end() && lease->second.generation) lease->second.is_unwanted = true;
}

void Ledger::on_lease_answer(const core::Respond& command, Instant now) {
    MemoryLease& lease = facts_.leases.at(command.request);
    lease.is_ended = command.error.has_value();
    if (command.error) return check_lease_refusal(command.request, *command.error, now);
    if (facts_.find_process(command.generation) != nullptr)
        fail(Invariant::orders_make_sense, "a generation was used twice");
    lease.generation = command.generation;
    lease.device = command.device;
    lease.end = now + lease.duration;
    check_granted(lease, now);
    lease.behind.clear();
    facts_.memory.on(core::Launch{{}, lease.generation, lease.device}, lease.like, false, now);
    facts_.memory.on_loaded(lease.generation);
}

void Ledger::check_granted(const MemoryLease& lease, Instant now) {
    if (facts_.shutting_down)
        fail(Invariant::wishes_are_obeyed, "a lease was granted during shutdown");
    if (lease.is_unwanted)
        fail(Invariant::one_answer, "a lease was granted to a client that is gone");
    if (!facts_.memory.is_known(lease.device, now, true)) {
        fail(Invariant::unknown_is_not_zero,
             "a lease was granted on a device that does not say how full it is");
    }
    for (const RequestId id : lease.behind) {
        const ModelId model = facts_.requests.at(id).model;
        const bool is_over = facts_.requests.at(id).is_answered || facts_.models[model].is_paused;
        if (is_over || !facts_.memory.may_use(facts_.spec(model), lease.device)) continue;
        if (facts_.wants_memory(model, now)) {
            fail(Invariant::waits_are_bounded,
                 "a lease overtook a model that had waited for longer");
        }
    }
}

void Ledger::check_lease_refusal(RequestId id, const core::Error& error, Instant now) {
    const Request& request = facts_.requests.at(id);
    if (error.message.empty()) fail(Invariant::one_answer, "an error without a message");
    if (error.code == base::Errc::cancelled) {
        if (!request.is_gone)
            fail(Invariant::one_answer, "a request was cancelled whose client is there");
    } else if (error.reason == "shutting_down") {
        if (!facts_.shutting_down) fail(Invariant::one_answer, "unavailable without a true reason");
    } else if (error.memory || error.reason == "device") {
        if (request.deadline > now && !facts_.memory.is_hopeless(facts_.leases.at(id).like, now)) {
            fail(Invariant::one_answer,
                 "a request was refused for memory that it could have waited for");
        }
    } else {
        fail(Invariant::one_answer, "a lease was refused for no reason");
    }
}

bool Ledger::must_end(const MemoryLease& lease, Instant now) const {
    return lease.is_unwanted || lease.end <= now || facts_.shutting_down ||
           facts_.memory.is_lost(lease.device);
}

void Ledger::on_lease_ended(const core::Report& command, Instant now) {
    MemoryLease& lease = facts_.leases.at(command.request);
    if (lease.is_ended || lease.generation != command.generation)
        fail(Invariant::orders_make_sense, "a lease ended twice");
    if (!must_end(lease, now))
        fail(Invariant::clients_harm_nobody, "a lease was taken from a client that was to have it");
    lease.is_ended = true;
    facts_.memory.on_exit(lease.generation);
}

void Ledger::check_leases(const core::Engine& engine, Instant now) {
    facts_.memory_waiters.clear();
    for (const RequestId id : facts_.unanswered) {
        if (facts_.requests.at(id).kind != RequestKind::call) continue;
        const auto reason = engine.wait_reason(id);
        if (reason == WaitReason::memory || reason == WaitReason::device)
            facts_.memory_waiters.insert(id);
    }
    for (auto& [id, lease] : facts_.leases) {
        if (lease.is_ended) continue;
        if (lease.generation) {
            if (must_end(lease, now)) fail(Invariant::limits_are_kept, "a lease outlived its end");
            continue;
        }
        FlatSet<RequestId> behind;
        for (const RequestId call : lease.behind)
            if (facts_.memory_waiters.contains(call)) behind.insert(call);
        lease.behind = behind;
        const auto reason = engine.wait_reason(id);
        const bool is_short = facts_.memory.is_short(lease.like, facts_.reserved(now), now) ||
                              !lease.behind.empty() || facts_.is_behind({}, now);
        const bool is_true = reason == WaitReason::memory ? is_short
                             : reason == WaitReason::device
                                 ? !facts_.memory.has_answering(lease.like)
                                 : false;
        if (!is_true)
            fail(Invariant::waits_are_true, "a lease waits without a reason that is true");
    }
}

void Ledger::encode_leases(core::StateEncoder& encoder) const {
    for (const auto& [id, lease] : facts_.leases) {
        encoder.generation(lease.generation);
        encoder.number((lease.is_ended ? 1u : 0u) | (lease.is_unwanted ? 2u : 0u) |
                       lease.behind.size() << 2);
        for (const RequestId call : lease.behind) encoder.request(call);
    }
}

}  // namespace windlass::world
