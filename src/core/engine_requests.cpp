// A call on its way to its one answer: refused, withdrawn, sent back to the queue, or answered.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/engine.h"
#include "core/mutant.h"

namespace windlass::core {

using base::Errc;
using enum Residency;

void Engine::respond(RequestId request, std::optional<Error> error, Generation generation,
                     Timings timings, Commands& out) {
    ModelId id;
    if (const auto call = calls_.find(request); call != calls_.end()) {
        id = call->second.model;
        calls_.erase(call);
        deadlines_.disarm({TimerKind::wait_deadline, request.value});
    } else {
        const auto admin = admins_.find(request);
        WL_ASSERT(admin != admins_.end());
        id = admin->second.model;
        Model& model = model_of(id);
        --model.wanted(admin->second.goal);
        model.admins.erase(request);
        admins_.erase(admin);
    }
    deadlines_.disarm({TimerKind::call_deadline, request.value});
    out.push_back(Respond{request, id, generation, std::move(error), timings});
}

void Engine::refuse(RequestId request, Error error, Commands& out) {
    if (const auto call = calls_.find(request); call != calls_.end()) {
        take_from_wait(request, call->second);
    }
    respond(request, std::move(error), {}, {}, out);
}

// The client's own limit, or its disappearance: ends its request and nothing else.
void Engine::withdraw(RequestId request, Error error, Instant now, Commands& out) {
    if (leases_.contains(request)) return withdraw_lease(request, error, now, out);
    if (admins_.contains(request)) {
        const ModelId id = admins_.at(request).model;
        respond(request, std::move(error), {}, {}, out);
        return advance(id, now, out);
    }
    const auto entry = calls_.find(request);
    if (entry == calls_.end() || entry->second.is_job) return;  // answered already; or nobody's
    const ModelId id = entry->second.model;
    switch (entry->second.stage) {
        case Stage::queued:
        case Stage::delayed: take_from_wait(request, entry->second); break;
        case Stage::sent: replica_of(runs_.at(request)).recall(request, out); break;
        case Stage::begun:
            mutant(Mutant::client_ends_worker) ? kill_replica(runs_.at(request), now, out)
                                               : replica_of(runs_.at(request)).cancel(request, out);
            break;
        case Stage::claiming:
        case Stage::ending: std::unreachable();  // of jobs only
    }
    respond(request, std::move(error), {}, {}, out);
    advance(id, now, out);
}

void Engine::take_from_wait(RequestId request, const Call& call) {
    Model& model = model_of(call.model);
    if (call.stage == Stage::queued) model.queue.remove({call.priority, request});
    if (call.stage == Stage::delayed) {
        model.delayed.erase(request);
        if (!mutant(Mutant::retry_outlives_client))
            deadlines_.disarm({TimerKind::retry, request.value});
    }
}

// Back to its old place, uncharged; it was accepted once, so `queue_limit` does not apply.
void Engine::requeue(RequestId request, Commands& out) {
    Call& call = calls_.at(request);
    Model& model = model_of(call.model);
    if (is_closing(model) && !mutant(Mutant::lost_run_waits_for_end))
        return refuse(request, closing_error(model), out);
    call.stage = Stage::queued;
    model.queue.push({call.priority, request});
}

// `transient` errors of an idempotent model: up to 3 tries, the pause doubling, within the
// deadline.
bool Engine::retry_later(RequestId request, const RunFailed& event, Instant now, Commands& out) {
    constexpr std::uint8_t kTriesMax = 3;
    Call& call = calls_.at(request);
    Model& model = model_of(call.model);
    const bool is_transient =
        event.error.code == Errc::transient || mutant(Mutant::retries_anything);
    if (!is_transient || !call.is_idempotent || is_closing(model)) return false;
    if (call.failed_tries + 1 >= kTriesMax) return false;
    const Instant due = saturating_add(now, model.spec.backoff * (1 << call.failed_tries));
    if (due >= call.deadline) return false;
    ++call.failed_tries;
    call.stage = Stage::delayed;
    model.delayed.insert(request);
    deadlines_.arm({TimerKind::retry, request.value}, due);
    out.push_back(
        Report{EventCode::request_retried, call.model, event.generation, request, event.error});
    return true;
}

void Engine::on_retry_due(RequestId request, Instant now, Commands& out) {
    const Call& call = calls_.at(request);
    const ModelId id = call.model;
    model_of(id).delayed.erase(request);
    requeue(request, out);
    if (model_of(id).is_resting() && refuse_if_hopeless(request, now, out)) return;
    advance(id, now, out);
}

// During a back-off a call may wait only if its own limits reach beyond the end of the pause;
// while the breaker is open it may not wait at all.
bool Engine::refuse_if_hopeless(RequestId request, Instant now, Commands& out) {
    const Model& model = model_of(calls_.at(request).model);
    const auto until = model.foremost().deadline();
    WL_ASSERT(model.is_resting() && until);
    if (!model.breaker.is_tripped() && wait_end(request) > *until) return false;
    refuse(request, hopeless_error(model, *until - now), out);
    return true;
}

// `left`: of the pause.
Error Engine::hopeless_error(const Model& model, Duration left) {
    const bool is_open = model.breaker.is_tripped();
    const std::string last_error = model.last_error ? base::to_text(*model.last_error) : "none";
    Error error =
        is_open ? base::fail(Errc::unavailable,
                             fmt::format("the workers of the model {} kept dying; it rests for {} "
                                         "more, or until `windlass models load {}`; its last "
                                         "error was: {}",
                                         model.spec.name, base::to_text(left), model.spec.name,
                                         last_error))
                : base::fail(Errc::unavailable,
                             fmt::format("the model {} failed and is tried again in {}, later than "
                                         "this request may wait; its last error was: {}",
                                         model.spec.name, base::to_text(left), last_error));
    error.reason = is_open ? "breaker_open" : "backoff";
    error.retry_after = left;
    return error;
}

void Engine::refuse_hopeless(ModelId id, Instant now, Commands& out) {
    if (!model_of(id).is_resting()) return;  // another copy goes on
    std::vector<RequestId> waiting;
    for (const QueuePlace& place : model_of(id).queue.places()) waiting.push_back(place.request);
    for (const RequestId request : waiting) refuse_if_hopeless(request, now, out);
}

// Nothing will be loaded for them: what is queued or pauses, and whoever wants a load.
void Engine::refuse_waiting(ModelId id, const Error& error, Commands& out) {
    const Model& model = model_of(id);
    std::vector<RequestId> waiting{model.delayed.begin(), model.delayed.end()};
    for (const QueuePlace& place : model.queue.places()) waiting.push_back(place.request);
    for (const RequestId request : model.admins) {
        if (admins_.at(request).goal == AdminGoal::ready) waiting.push_back(request);
    }
    for (const RequestId request : waiting) refuse(request, error, out);
}

Instant Engine::wait_end(RequestId request) const {
    const auto own = deadlines_.find({TimerKind::wait_deadline, request.value});
    return std::min(own.value_or(Instant::max()), calls_.at(request).deadline);
}

Error Engine::closing_error(const Model& model) const {
    if (!shutting_down_) {
        return base::fail(Errc::not_found,
                          fmt::format("the model {} was removed from the configuration; put it "
                                      "back and reload, or ask another model",
                                      model.spec.name));
    }
    return shutdown_error();
}

Error Engine::shutdown_error() {
    Error error =
        base::fail(Errc::unavailable, "the daemon is shutting down; ask again once it is back");
    error.reason = "shutting_down";
    return error;
}

Error Engine::timeout_error(RequestId request, TimerKind kind) const {
    if (const auto admin = admins_.find(request); admin != admins_.end()) {
        const Model& model = model_of(admin->second.model);
        const Residency residency = model.foremost().residency();
        const bool waits_for_memory = residency == cold || residency == offloaded;
        const bool wants_memory = admin->second.goal == AdminGoal::ready;
        if (model.shortage && waits_for_memory && wants_memory) return memory_error(model);
        return base::fail(
            Errc::timeout,
            fmt::format("the model {} is still {} at the end of the time given; it goes on",
                        model.spec.name, to_text(model.foremost().residency())));
    }
    const auto lease = leases_.find(request);
    if (lease != leases_.end()) return lease_error(lease->second);
    const auto entry = calls_.find(request);
    if (entry == calls_.end()) return {};  // answered already; nobody reads this
    const Model& model = model_of(entry->second.model);
    const std::string& name = model.spec.name;
    if (entry->second.stage == Stage::begun) {
        return base::fail(
            Errc::timeout,
            fmt::format("the model {} did not answer in the time given; its run was asked "
                        "to cancel. Give more time with X-Windlass-Timeout",
                        name));
    }
    const auto reason = wait_reason(request);
    if (reason == WaitReason::memory || reason == WaitReason::device) return memory_error(model);
    return base::fail(
        Errc::timeout,
        fmt::format(
            "the request waited for the model {} until its {} was over (reason: {}); give more "
            "time with {}",
            name, kind == TimerKind::wait_deadline ? "wait limit" : "time",
            reason ? to_text(*reason) : "none",
            kind == TimerKind::wait_deadline ? "X-Windlass-Wait" : "X-Windlass-Timeout"));
}

}  // namespace windlass::core
