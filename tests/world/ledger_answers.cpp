// What the oracle writes down of answers, and whether what they say is so.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "world/ledger.h"

namespace windlass::world {

using base::Errc;

namespace {
constexpr std::ptrdiff_t kUnkillableMax = 3;
}  // namespace

void Ledger::on(const core::Respond& command, Instant now) {
    const auto found = facts_.requests.find(command.request);
    if (found == facts_.requests.end())
        return fail(Invariant::one_answer, "an answer to a request that was never made");
    Request& request = found->second;
    if (std::exchange(request.is_answered, true))
        return fail(Invariant::one_answer, "a request was answered twice");
    if (request.kind == RequestKind::lease) {
        on_lease_answer(command, now);
    } else if (command.error) {
        check_refusal(command.request, *command.error, now);
    } else if (request.kind == RequestKind::call && facts_.happened.answered != command.request) {
        fail(Invariant::one_answer, "a request was answered with a result that no worker gave");
    } else if (request.kind != RequestKind::call && !is_reached(request, now)) {
        fail(Invariant::books_are_right, "an administrator was told of a state that is not");
    }
    const bool is_late =
        command.error && command.error->code == Errc::timeout && command.error->memory;
    facts_.happened.is_room_late |=
        is_late && facts_.happened.is_time && !facts_.happened.evictions.empty();
    facts_.unanswered.erase(command.request);
    facts_.answered_now.insert(command.request);
}

// What an administrator asked for is so.
bool Ledger::is_reached(const Request& request, Instant now) const {
    bool is_ready = false;
    bool is_alive = false;
    bool is_there = false;
    for (const auto& [generation, process] : facts_.processes) {
        if (process.model != request.model || is_set_aside(process, now)) continue;
        is_alive = true;
        const bool is_new = !request.before.contains(generation);
        const bool has_weights = process.weights == Weights::there;
        is_ready = is_ready || (process.is_loaded && is_new && has_weights);
        is_there = is_there || process.weights != Weights::away;
    }
    if (request.kind == RequestKind::unload) return !is_alive;
    return request.kind == RequestKind::offload ? !is_there : is_ready;
}

void Ledger::check_refusal(core::RequestId id, const core::Error& error, Instant now) {
    const Request& request = facts_.requests.at(id);
    if (error.message.empty()) fail(Invariant::one_answer, "an error without a message");
    const bool is_loss = error.code == Errc::worker_lost || error.code == Errc::device_lost;
    if (is_loss && facts_.happened.unbegun.contains(id))
        fail(Invariant::clients_harm_nobody, "a run was lost that had not begun");
    if (facts_.happened.failed == error) return;  // what the worker itself said
    if (error.code == Errc::cancelled) {
        if (!request.is_gone)
            fail(Invariant::one_answer, "a request was cancelled whose client is there");
    } else if (error.code == Errc::queue_full) {
        // The request itself counts as waiting by now.
        if (facts_.waiting_count(request.model) <= facts_.spec(request.model).queue_limit) {
            fail(Invariant::one_answer, "queue_full with room in the queue");
        }
    } else if (error.memory || error.reason == "device") {
        const bool is_over = request.deadline <= now || request.wait_deadline <= now;
        if (!is_over && !facts_.memory.is_hopeless(facts_.spec(request.model), now)) {
            fail(Invariant::one_answer,
                 "a request was refused for memory that it could have waited for");
        }
    } else if (error.code == Errc::unavailable) {
        const bool is_shutdown = error.reason == "shutting_down" && facts_.shutting_down;
        const bool is_backoff = error.reason == "backoff" && error.retry_after;
        const bool is_open = error.reason == "breaker_open" && error.retry_after &&
                             facts_.models[request.model].is_tripped;
        const auto hangs = [&](const auto& entry) {
            return entry.second.model == request.model && is_set_aside(entry.second, now);
        };
        const auto hanging = std::ranges::count_if(facts_.processes, hangs) +
                             std::ranges::count_if(facts_.standbys, hangs);
        const bool is_hung = error.reason == "unkillable" && hanging >= kUnkillableMax;
        if (!is_shutdown && !is_backoff && !is_open && !is_hung) {
            fail(Invariant::one_answer, "unavailable without a true reason");
        }
    } else if (error.code == Errc::not_found) {
        if (!facts_.models[request.model].is_removed)
            fail(Invariant::one_answer, "a model was called removed that is not");
    } else if (error.code == Errc::worker_lost || error.code == Errc::internal) {
        if (!facts_.happened.ended_models.contains(request.model))
            fail(Invariant::one_answer, "a worker was called lost that lives");
    } else if (error.code == Errc::unsupported || error.code == Errc::host_out_of_memory) {
        if (request.kind != RequestKind::offload)
            fail(Invariant::one_answer, "only an offload can be refused like that");
    } else if (error.code == Errc::device_lost) {
        if (!facts_.happened.device_lost)
            fail(Invariant::one_answer, "a device was called lost that is there");
    } else if (error.code == Errc::timeout || error.code == Errc::stalled) {
        check_timeout(id, error, now);
    } else {
        fail(Invariant::one_answer, fmt::format("an error from nowhere: {}", to_text(error)));
    }
}

// The client's own limits, those of the load, or those of the run: one must have been reached.
void Ledger::check_timeout(core::RequestId id, const core::Error& error, Instant now) {
    const Request& request = facts_.requests.at(id);
    if (request.deadline <= now) return;
    if (request.wait_deadline <= now && facts_.find_run(id) == nullptr) return;
    for (auto& [generation, process] : facts_.processes) {
        if (process.model != request.model) continue;
        const core::ReplicaLimits& limits = process.limits;
        if (process.launched + limits.start_timeout <= now && !process.is_loaded) return;
        if (process.said_hello && !process.is_loaded &&
            process.load_sent + limits.load_timeout <= now) {
            return;
        }
        if (request.kind == RequestKind::offload && is_move_over(process, now)) return;
        const auto run = process.runs.find(id);
        if (run == process.runs.end()) continue;
        if (!run->second.begun && request.wait_deadline <= now) return;
        if (facts_.has_broken_limit(process, now)) {
            process.had_limit = true;
            return;
        }
    }
    fail(Invariant::one_answer,
         fmt::format("a time-out before any limit was reached: {}", to_text(error)));
}

}  // namespace windlass::world
