// All moves of a replica.
#include "core/replica.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/mutant.h"

namespace windlass::core {

using enum Residency;

bool Replica::has_process() const { return residency_ != cold && residency_ != backoff; }

bool Replica::will_back_off() const {
    switch (residency_) {
        case loading:
        case ready:
        case offloading:
        case offloaded:
        case restoring: return true;
        case stopping: return stop_cause_ != StopCause::wanted;
        case standby:
        case draining:
        case cold:
        case unkillable:
        case backoff: return false;
    }
    return false;
}

bool Replica::is_first_run_due() const {
    return is_untried_ && residency_ == ready && leases_.empty();
}

std::size_t Replica::begun_count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(leases_, [](const auto& entry) { return entry.second.begun; }));
}

void Replica::enter(Residency next, Commands& out) {
    WL_ASSERT(is_allowed({residency_, next}));
    const bool had_process = has_process();
    const Residency before = std::exchange(residency_, next);
    deadline_.reset();  // a deadline belongs to the state that set it
    switch (next) {
        case standby: return report(EventCode::model_standby, out);
        case loading: return report(EventCode::model_loading, out);
        case ready:
            if (before == offloading) return;  // it never was away; the failure is told elsewhere
            return report(before == restoring ? EventCode::model_restored : EventCode::model_ready,
                          out);
        case offloading: return report(EventCode::model_offloading, out);
        case offloaded:
            if (before == restoring) return;
            return report(EventCode::model_offloaded, out);
        case restoring: return report(EventCode::model_restoring, out);
        case draining: return report(EventCode::model_draining, out);
        case stopping: return report(EventCode::model_stopping, out);
        case unkillable: return report(EventCode::worker_unkillable, out);
        case backoff: return report(EventCode::model_backoff, out);
        case cold:
            if (!had_process) return report(EventCode::model_backoff_over, out);
            return report(device_ ? EventCode::model_unloaded : EventCode::model_standby_ended,
                          out);
    }
}

void Replica::report(EventCode code, Commands& out) const {
    out.push_back(Report{code, model_, generation_, {}, {}});
}

void Replica::begin(const Launch& order, const ModelSpec& spec) {
    limits_ = spec.limits;
    concurrency_ = spec.concurrency;
    generation_ = order.generation;
    device_ = order.device;
    was_standby_ = !order.device;
    said_hello_ = false;
    is_untried_ = is_unproven_ = false;
    can_offload_ = awaits_room_ = false;
    run_count_ = 0;
    failed_offloads_ = failed_restores_ = 0;
    offload_retry_at_ = {};
    idle_since_.reset();
    is_closed_ = false;
    stop_step_ = StopStep::none;
    stop_cause_ = StopCause::wanted;
}

void Replica::launch(const Launch& order, const ModelSpec& spec, Instant now, Commands& out) {
    begin(order, spec);
    loading_since_ = now;
    enter(loading, out);
    deadline_ = saturating_add(now, limits_.start_timeout);
    out.push_back(order);
}

void Replica::stand_by(const Launch& order, const ModelSpec& spec, Instant now, Commands& out) {
    begin(order, spec);
    enter(standby, out);
    deadline_ = saturating_add(now, limits_.start_timeout);
    out.push_back(order);
}

void Replica::take_up(DeviceId device, const ModelSpec& spec, Instant now, Commands& out) {
    WL_ASSERT(said_hello_);
    limits_ = spec.limits;
    device_ = device;
    loading_since_ = now;
    enter(loading, out);
    out.push_back(Assign{model_, generation_, device_});
    deadline_ = saturating_add(now, mutant(Mutant::standby_loads_unlimited) ? std::chrono::hours{1}
                                                                            : limits_.load_timeout);
    out.push_back(Load{model_, generation_, device_});
}

void Replica::on_hello(bool can_offload, Instant now, Commands& out) {
    WL_ASSERT((residency_ == loading || residency_ == standby) && !said_hello_);
    said_hello_ = true;
    can_offload_ = can_offload;
    deadline_.reset();
    if (residency_ == standby) return;
    deadline_ = saturating_add(now, limits_.load_timeout);
    out.push_back(Load{model_, generation_, device_});
}

void Replica::on_loaded(Instant now, Commands& out) {
    WL_ASSERT(said_hello_);
    ready_since_ = now;
    place_free_since_ = now;
    enter(ready, out);
}

void Replica::drain(Commands& out) {
    enter(draining, out);
    for (const auto& [request, lease] : leases_) recall(request, out);
}

void Replica::stop(StopCause cause, StopStep first, Instant now, Commands& out) {
    enter(stopping, out);
    stop_cause_ = cause;
    stop_step_ = StopStep::none;
    for (const auto& [request, lease] : leases_) recall(request, out);
    climb(first, now, out);
}

void Replica::climb(StopStep step, Instant now, Commands& out) {
    WL_ASSERT(residency_ == stopping && step > stop_step_);
    stop_step_ = step;
    switch (step) {
        case StopStep::none: break;
        case StopStep::asked:
            deadline_ = saturating_add(now, limits_.stop_grace);
            return out.push_back(Stop{generation_});
        case StopStep::cancelled: deadline_ = saturating_add(now, limits_.cancel_grace); return;
        case StopStep::terminated:
            deadline_ = saturating_add(now, limits_.term_grace);
            report(EventCode::worker_terminated, out);
            return out.push_back(Terminate{generation_});
        case StopStep::killed:
            deadline_ = saturating_add(
                now, mutant(Mutant::reap_unlimited) ? std::chrono::hours{1} : limits_.reap_timeout);
            report(EventCode::worker_killed, out);
            return out.push_back(Kill{generation_});
    }
}

void Replica::escalate(StopStep at_least, Instant now, Commands& out) {
    if (residency_ == stopping && stop_step_ < at_least) climb(at_least, now, out);
}

void Replica::step_due(Instant now, Commands& out) {
    WL_ASSERT(residency_ == stopping || residency_ == backoff);
    if (residency_ == backoff) return enter(cold, out);
    switch (stop_step_) {
        case StopStep::none:
        case StopStep::asked:
        case StopStep::cancelled: return climb(StopStep::terminated, now, out);
        case StopStep::terminated: return climb(StopStep::killed, now, out);
        case StopStep::killed: return enter(unkillable, out);
    }
}

void Replica::on_exit(Instant backoff_until, Commands& out) {
    const bool failed = will_back_off();
    leases_.clear();
    is_closed_ = false;
    said_hello_ = false;
    enter(failed ? backoff : cold, out);
    if (failed) deadline_ = backoff_until;
    stop_step_ = StopStep::none;
}

void Replica::start_in_backoff(Instant until, Commands& out) {
    enter(backoff, out);
    deadline_ = until;
}

void Replica::end_backoff(Commands& out) {
    WL_ASSERT(residency_ == backoff);
    enter(cold, out);
}

void Replica::send(RequestId request, Duration timeout, Instant now, Commands& out) {
    WL_ASSERT(residency_ == ready && (!is_untried_ || leases_.empty()));
    const bool may_be_closed = mutant(Mutant::job_isolation_ignored);
    WL_ASSERT(!is_closed_ || may_be_closed);
    const Lease lease{.sent = now, .started = {}, .last_progress = now};
    const bool is_new = leases_.try_emplace(request, lease).second;
    WL_ASSERT(is_new);
    out.push_back(Dispatch{generation_, request, timeout});
}

void Replica::hold(RequestId request, bool is_alone, Instant now) {
    WL_ASSERT(residency_ == ready && (!is_untried_ || leases_.empty()));
    const bool may_be_shared = mutant(Mutant::job_isolation_ignored);
    WL_ASSERT((!is_closed_ && (!is_alone || leases_.empty())) || may_be_shared);
    is_closed_ = is_alone;
    const Lease lease{
        .is_held = true, .is_alone = is_alone, .sent = now, .started = {}, .last_progress = now};
    const bool is_new = leases_.try_emplace(request, lease).second;
    WL_ASSERT(is_new);
}

void Replica::send_held(RequestId request, Duration timeout, Instant now, Commands& out) {
    Lease* lease = find_lease(request);
    WL_ASSERT(residency_ == ready && lease != nullptr && lease->is_held);
    lease->is_held = false;
    lease->sent = lease->last_progress = now;
    out.push_back(Dispatch{generation_, request, timeout});
}

Lease* Replica::find_lease(RequestId request) {
    const auto entry = leases_.find(request);
    return entry == leases_.end() ? nullptr : &entry->second;
}

void Replica::recall(RequestId request, Commands& out) {
    Lease* lease = find_lease(request);
    if (lease == nullptr || lease->begun || lease->is_held || lease->recall_sent) return;
    lease->recall_sent = true;
    out.push_back(Recall{generation_, request});
}

void Replica::cancel(RequestId request, Commands& out) {
    Lease* lease = find_lease(request);
    if (lease == nullptr || !lease->begun || lease->cancel_sent) return;
    lease->cancel_sent = true;
    out.push_back(Cancel{generation_, request});
}

void Replica::end_lease(RequestId request, Instant now) {
    const auto lease = leases_.find(request);
    if (lease->second.begun) {
        is_untried_ = is_unproven_ = false;
        ++run_count_;
    }
    if (lease->second.is_alone) is_closed_ = false;
    if (!lease->second.is_held) place_free_since_ = now;
    leases_.erase(lease);
}

void Replica::forgive(Duration delay, Instant now) {
    // What was read in the late turn itself was not missed, and needs nothing.
    const auto forgiven = [&](Instant since) {
        return std::min(saturating_add(since, delay), now);
    };
    for (auto& [request, lease] : leases_) {
        if (lease.begun || !mutant(Mutant::late_loop_blames_waiting))
            lease.last_progress = forgiven(lease.last_progress);
    }
    if (!mutant(Mutant::late_loop_blames_waiting)) place_free_since_ = forgiven(place_free_since_);
}

std::optional<Instant> Replica::begin_due_since() const {
    if (residency_ != ready && residency_ != draining) return std::nullopt;
    std::optional<Instant> oldest;
    std::size_t begun = 0;
    for (const auto& [request, lease] : leases_) {
        if (lease.begun) {
            ++begun;
        } else if (!lease.is_held && (!oldest || lease.last_progress < *oldest)) {
            oldest = lease.last_progress;
        }
    }
    if (!oldest || begun >= concurrency_) return std::nullopt;
    return std::max(*oldest, place_free_since_);
}

void Replica::encode(StateEncoder& encoder) const {
    encoder.number(static_cast<std::uint64_t>(residency_));
    encoder.number(static_cast<std::uint64_t>(stop_step_));
    encoder.number(static_cast<std::uint64_t>(stop_cause_));
    encoder.number((said_hello_ ? 1u : 0u) | (is_untried_ ? 2u : 0u) | (is_unproven_ ? 4u : 0u) |
                   (was_standby_ ? 8u : 0u));
    encoder.number(has_process() ? 1 : 0);
    if (has_process()) {
        encoder.generation(generation_);
        encoder.number(device_.value);
    }
    encoder.number((can_offload_ ? 1u : 0u) | (awaits_room_ ? 2u : 0u) | failed_offloads_ << 2 |
                   std::uint64_t{failed_restores_} << 8);
    // In other states the timers tell.
    if (residency_ == offloading) encoder.optional_instant(idle_since_);
    encoder.optional_instant(deadline_);
    encoder.number(leases_.size());
    if (leases_.size() > begun_count()) encoder.instant(place_free_since_);
    for (const auto& [request, lease] : leases_) {
        encoder.request(request);
        encoder.number((lease.begun ? 1u : 0u) | (lease.recall_sent ? 2u : 0u) |
                       (lease.cancel_sent ? 4u : 0u) | (lease.is_held ? 8u : 0u) |
                       (lease.is_alone ? 16u : 0u));
        encoder.instant(lease.begun ? lease.started : lease.sent);
        encoder.instant(lease.last_progress);
    }
}

}  // namespace windlass::core
