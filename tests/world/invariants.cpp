// The promises, and how each is looked at.
#include "world/invariants.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "world/facts.h"

namespace windlass::world {
namespace {

// Says so, in the voice of one promise.
class Voice {
  public:
    Voice(const Scene& scene, Invariant invariant) : scene_(scene), invariant_(invariant) {}
    void operator()(std::string sentence) const {
        if (!scene_.broken) scene_.broken = Breach{invariant_, std::move(sentence)};
    }

  private:
    const Scene& scene_;
    Invariant invariant_;
};

void look_at_runs(const Scene& scene) {
    const Voice fail{scene, Invariant::runs_alone};
    for (const auto& [generation, process] : scene.facts.processes) {
        if (process.stopped_a_run) fail("a worker was told to stop while a run used it");
        if (process.runs.empty() || process.weights == Weights::there) continue;
        fail(process.moved_a_run ? "an offload overlaps a lease"
                                 : "a run overlaps an offload or a restore");
    }
}

void look_at_claims(const Scene& scene) {
    const Voice fail{scene, Invariant::claims_fit};
    for (const Admission& a : scene.facts.memory.admissions()) {
        if (a.is_excused) continue;
        if (!a.is_known && a.needs_beside) fail("a model was put beside one that needs all");
        if (!a.is_known || !a.need) continue;
        const Bytes need = *a.need;
        const bool is_full = a.used + need > a.room;
        const bool is_claimed = a.claimed + need > a.room;
        const bool is_expected = a.is_told && a.used + a.outstanding + need > a.room;
        if (a.entry == Entry::parked && (is_full || is_claimed)) {
            fail(
                fmt::format("{} of weights were sent to a host that has no room for them: {} "
                            "used, {} claimed of {}",
                            to_text(need), to_text(a.used), to_text(a.claimed), to_text(a.room)));
        }
        if (a.entry == Entry::restored && is_claimed) {
            fail(fmt::format(
                "a model was restored where others are already: {} claimed, {} more of {}",
                to_text(a.claimed), to_text(need), to_text(a.room)));
        }
        if (a.entry == Entry::restored && is_expected) {
            fail(fmt::format(
                "a model was restored where there is no room for it: {} used, {} "
                "claimed beyond that, {} more of {}",
                to_text(a.used), to_text(a.outstanding), to_text(need), to_text(a.room)));
        }
        if (a.entry != Entry::launched || !a.is_fresh) continue;
        if (is_full) fail("a model was put where others are already");
        if (is_claimed) {
            fail(fmt::format("claims of {} and one more of {} exceed the {} that there are",
                             to_text(a.claimed), to_text(need), to_text(a.room)));
        }
        if (is_expected) fail("a model was put where there is no room for it");
    }
}

void look_at_unknown(const Scene& scene) {
    const Voice fail{scene, Invariant::unknown_is_not_zero};
    const MemoryBook& memory = scene.facts.memory;
    for (const Admission& a : memory.admissions()) {
        if (a.is_excused || a.entry == Entry::parked) continue;
        if (!a.is_known && !memory.admits_unknown()) {
            fail(a.entry == Entry::restored
                     ? "a model was restored to a device that does not say how full it is"
                     : "a model was put on a device that does not say how full it is");
        }
        if (a.is_known && !a.is_fresh && a.entry == Entry::launched) {
            fail("a model was put on a device by an answer that is too old");
        }
    }
}

void look_at_released(const Scene& scene) {
    const Voice fail{scene, Invariant::released_is_proved};
    const auto& holdings = scene.engine->devices().holdings();
    for (const auto& [generation, claim] : scene.facts.memory.claims()) {
        if (holdings.contains(generation)) {
            if (claim.is_returned) fail("memory was said to be back that is claimed still");
            continue;
        }
        const std::optional<Bytes> own = claim.held();
        const bool has_claimed = !own || std::max(*own, claim.measured) > Bytes{};
        if (!claim.exit_after) fail("the claim of a process that lives was released");
        if (has_claimed && !claim.is_covered) {
            fail("bytes were released that no answer showed to be gone");
        }
    }
}

// Exactly one: what is said of each answer itself stands in ledger_answers.cpp.
void look_at_answers(const Scene& scene) {
    const Voice fail{scene, Invariant::one_answer};
    for (const RequestId id : scene.facts.unanswered) {
        const Request& request = scene.facts.requests.at(id);
        if (request.is_gone) fail("a request outlived its client");
        if (request.deadline <= scene.now) fail("a request is past its deadline and has no answer");
    }
}

// The step that comes next was taken when its limit was reached.
void look_at_limits(const Scene& scene) {
    const Voice fail{scene, Invariant::limits_are_kept};
    const auto look = [&](const Process& process) {
        const core::ReplicaLimits& limits = process.limits;
        const auto is_over = [&](const std::optional<Instant>& sent, Duration limit) {
            return sent && *sent + limit < scene.now;
        };
        if (process.kill_sent) {
            if (is_over(process.kill_sent, limits.reap_timeout) && !process.is_aside)
                fail("a process outlived SIGKILL, and nobody gave it up");
            return;
        }
        if (process.term_sent) {
            if (is_over(process.term_sent, limits.term_grace))
                fail("a process outlived SIGTERM, and nobody killed it");
            return;
        }
        if (process.stop_sent) {
            if (is_over(process.stop_sent, limits.stop_grace))
                fail("a process was told to stop and did not, and nobody ended it");
            return;
        }
        if (process.had_limit) return;
        if (!process.said_hello && is_over(process.launched, limits.start_timeout))
            fail("a process did not come up within its limit, and nobody ended it");
        const bool is_ordered = process.said_hello && process.load_sent > Instant{};
        if (is_ordered && !process.is_loaded && is_over(process.load_sent, limits.load_timeout))
            fail("a model did not load within its limit, and nobody ended its process");
        const Instant before = scene.now - Duration{1};
        if (is_move_over(process, before))
            fail("weights did not move within their limit, and nobody ended their process");
        const bool is_changed = scene.facts.model(process.model).is_changed;
        if (!is_changed && scene.facts.has_broken_limit(process, before))
            fail("a run broke a limit of its model, and nobody ended it");
    };
    for (const auto& [generation, process] : scene.facts.processes) look(process);
    for (const auto& [generation, process] : scene.facts.standbys) look(process);
}

void look_at_victims(const Scene& scene) {
    const Voice fail{scene, Invariant::protected_stay};
    for (const Eviction& eviction : scene.facts.happened.evictions) {
        if (eviction.is_gone) fail("a process that is gone had to make room");
        if (eviction.is_busy) fail("a process had to make room that loads, or leaves already");
        if (eviction.is_pinned) fail("a pinned model had to make room");
    }
}

void look_at_room(const Scene& scene) {
    const Voice fail{scene, Invariant::room_is_enough};
    // When the loop was delayed both may be due at once, and room was made for one who has left.
    if (scene.facts.happened.is_room_late) return;
    std::set<DeviceId> devices;
    for (const Eviction& eviction : scene.facts.happened.evictions)
        if (!eviction.is_gone) devices.insert(eviction.device);
    for (const DeviceId device : devices) {
        if (!scene.facts.is_enough_leaving(device, scene.now))
            fail("models made room that is too small for any that waits");
    }
}

void look_at_deaths(const Scene& scene) {
    const Voice fail{scene, Invariant::clients_harm_nobody};
    for (const Signal& signal : scene.facts.happened.signals) {
        const Process* process = scene.facts.find_process(signal.generation);
        const bool has_cause = signal.is_next_step || process == nullptr ||
                               scene.facts.may_be_ended(*process, scene.now);
        if (!has_cause) {
            fail(
                fmt::format("a worker got {} without a limit of its model, a lost channel or an "
                            "administrator behind it",
                            signal.name));
        }
        if (signal.is_early) fail("SIGKILL before its grace was over");
    }
}

void look_at_waits(const Scene& scene) {
    const Voice fail{scene, Invariant::waits_are_true};
    for (const RequestId id : scene.facts.unanswered) {
        const RequestKind kind = scene.facts.requests.at(id).kind;
        if (kind != RequestKind::call && kind != RequestKind::job) continue;
        const auto reason = scene.engine->wait_reason(id);
        const Job* job = scene.facts.jobs.find(id);
        // It is over, and its process is on its way out.
        if (job != nullptr && job->was_sent && !reason) continue;
        const Run* run = scene.facts.find_run(id);
        const bool is_running = run != nullptr && run->begun;
        if (is_running && reason) fail("a request that runs is said to wait");
        if (is_running) continue;
        if (!reason) {
            fail("a request waits without a reason");
        } else if (!scene.facts.is_true(*reason, id, scene.now)) {
            fail(fmt::format("a wait is explained as {}, which is not so", to_text(*reason)));
        }
    }
}

// Now and then one of those who wait asks.
void look_at_explanation(const Scene& scene) {
    const Voice fail{scene, Invariant::explanations_are_true};
    if (!scene.facts.explained) return;
    const auto lie = scene.facts.find_lie(*scene.facts.explained, *scene.engine, scene.now);
    if (lie) fail(*lie);
}

void look_at_forecasts(const Scene& scene) {
    const Voice fail{scene, Invariant::explanations_are_true};
    for (const auto& [step, forecast] : scene.facts.forecasts) {
        if (scene.facts.judge(forecast, *scene.engine, scene.now) != Verdict::broken) continue;
        fail(fmt::format("{} was foretold, its time has come, and nothing has changed",
                         to_text(step)));
    }
}

void look_at_turns(const Scene& scene) {
    const Voice fail{scene, Invariant::waits_are_bounded};
    for (const Eviction& eviction : scene.facts.happened.evictions) {
        if (eviction.is_early) fail("a process had to make room before its turn was over");
        if (eviction.is_needless)
            fail("a process at work had to make room before anybody had waited for his max_wait");
    }
}

// While somebody waits his devices are asked again and again, and each answer is looked at.
void look_at_patience(const Scene& scene) {
    const Voice fail{scene, Invariant::waits_are_bounded};
    for (const auto& [id, model] : scene.facts.models) {
        for (const auto& [device, since] : model.owed_since) {
            if (scene.facts.memory.answered(device) > since) {
                fail("a model waits beyond its max_wait beside those who have had their turn");
            }
        }
    }
}

void look_at_books(const Scene& scene) {
    const Voice fail{scene, Invariant::books_are_right};
    for (const auto& [generation, holding] : scene.engine->devices().holdings()) {
        const core::Device& device = scene.engine->devices().device(holding.device);
        if (!device.spec.is_measured) continue;
        const auto& claims = scene.facts.memory.claims();
        const auto claim = claims.find(generation);
        if (claim == claims.end() || claim->second.device != holding.device) {
            fail("a claim belongs to nobody who was launched there");
            continue;
        }
        const core::Claim* held = device.ledger.find_claim(generation);
        const bool is_over = held == nullptr || held->stage == core::ClaimStage::departed;
        if (is_over != claim->second.exit_after.has_value()) {
            fail("a claim is not that of the living, or a fence not that of the dead");
        }
    }
}

void look_at_worn(const Scene& scene) {
    const Voice fail{scene, Invariant::wishes_are_obeyed};
    const Facts& facts = scene.facts;
    for (const auto& [generation, process] : facts.processes) {
        const bool ends = must_go(process) || process.had_limit || process.is_deaf ||
                          process.is_poisoned || is_set_aside(process, scene.now);
        if (ends) continue;
        const bool is_told = process.is_recycled || process.is_draining;
        const bool is_at_rest =
            process.runs.empty() && process.claims.empty() && process.weights == Weights::there;
        if (!is_told && facts.is_spent(process))
            fail("a process that has made all its runs was left");
        if (!is_told && is_at_rest && facts.has_grown(process))
            fail("a process that has grown was left");
        if (is_told && process.runs.empty())
            fail("a process that was recycled was left without a run");
    }
}

void look_at_orders(const Scene& scene) {
    const Voice fail{scene, Invariant::orders_make_sense};
    std::set<RequestId> sent;
    for (const auto& [generation, process] : scene.facts.processes) {
        for (const auto& [request, run] : process.runs)
            if (!sent.insert(request).second) fail("a request was sent to two places");
    }
}

void look_at_places(const Scene& scene) {
    const Voice fail{scene, Invariant::jobs_are_permitted};
    std::set<core::JobId> seen;
    for (const auto& [request, job] : scene.facts.jobs.open) {
        if (!seen.insert(job.head.job).second) fail("a job is known twice");
        if (job.attempt > 0 && scene.facts.jobs.settling.contains(job.head.job))
            fail("a job was claimed before the end of its last attempt was written");
    }
}

// One that was asked to end, and does not listen, and is alone with others like it.
void look_at_verdicts(const Scene& scene) {
    const Voice fail{scene, Invariant::jobs_end_once};
    for (const auto& [generation, process] : scene.facts.processes) {
        if (process.runs.empty() || must_go(process)) continue;
        const bool is_ignored = std::ranges::all_of(process.runs, [&](const auto& entry) {
            const auto& [request, run] = entry;
            const Job* job = scene.facts.jobs.find(request);
            if (job == nullptr || !job->is_asked() || !run.begun) return false;
            const Instant asked =
                std::max({job->stopped, run.started, process.limit_at.value_or(Instant{})});
            return asked + process.limits.cancel_grace < scene.now;
        });
        if (is_ignored) fail("a job that was asked to end runs on, and nobody ends it");
    }
}

// But for those whose process outlives the daemon.
void look_at_stalls(const Scene& scene) {
    const Jobs& jobs = scene.facts.jobs;
    const auto open_count = std::ranges::count_if(jobs.open, [&](const auto& entry) {
        const Job& job = entry.second;
        return job.stop == core::JobStopCause::stalled &&
               scene.facts.find_process(job.generation) != nullptr;
    });
    if (jobs.stalled_count != jobs.stall_end_count + static_cast<std::size_t>(open_count)) {
        Voice{scene, Invariant::jobs_end_once}("a job that stalled did not end exactly once");
    }
}

void look_at_the_end(const Scene& scene) {
    const Voice fail{scene, Invariant::one_answer};
    if (!scene.facts.unanswered.empty()) fail("a request was never answered");
    for (const auto& [generation, process] : scene.facts.processes)
        if (!process.runs.empty()) fail("a run never ended");
}

constexpr std::array kPromises = {
    Promise{Invariant::runs_alone, Moment::decided,
            "No run overlaps an offload, a restore or an unload of its replica.", look_at_runs},
    Promise{Invariant::claims_fit, Moment::decided, "Claims never exceed what a device has.",
            look_at_claims},
    Promise{Invariant::released_is_proved, Moment::settled, "Released means proved.",
            look_at_released},
    Promise{Invariant::unknown_is_not_zero, Moment::decided, "Unknown is not zero.",
            look_at_unknown},
    Promise{Invariant::one_answer, Moment::settled,
            "Every accepted request gets exactly one answer, by its deadline.", look_at_answers},
    Promise{Invariant::one_answer, Moment::over, "Whatever was begun comes to an end.",
            look_at_the_end},
    Promise{Invariant::limits_are_kept, Moment::due,
            "Whatever is asked of a worker or a device has a limit, and at its end something "
            "happens.",
            look_at_limits},
    Promise{Invariant::protected_stay, Moment::decided,
            "Who is pinned, loads or was promised is never made to go.", look_at_victims},
    Promise{Invariant::room_is_enough, Moment::decided, "Nobody makes room in vain.", look_at_room},
    Promise{Invariant::clients_harm_nobody, Moment::decided,
            "A client cannot hurt another, nor make a worker die.", look_at_deaths},
    Promise{Invariant::waits_are_true, Moment::settled, "Every wait has a reason, and it is true.",
            look_at_waits},
    Promise{Invariant::explanations_are_true, Moment::settled,
            "Who asks why a request waits is told the truth.", look_at_explanation},
    Promise{Invariant::explanations_are_true, Moment::settled,
            "What is said to come next comes, or something else happens before.",
            look_at_forecasts},
    Promise{Invariant::waits_are_bounded, Moment::settled,
            "Who has waited for memory for its `max_wait` gets it from those who have had their "
            "turn.",
            look_at_patience},
    Promise{Invariant::waits_are_bounded, Moment::decided,
            "Nobody makes room before his turn is over.", look_at_turns},
    Promise{Invariant::books_are_right, Moment::settled, "The books are right.", look_at_books},
    Promise{Invariant::wishes_are_obeyed, Moment::settled,
            "Administrators and the configuration are obeyed.", look_at_worn},
    Promise{Invariant::orders_make_sense, Moment::decided,
            "Only those are told to do something who are there and can do it.", look_at_orders},
    Promise{Invariant::jobs_are_permitted, Moment::decided,
            "A job begins only with its store's permission, in its turn, and never twice at once.",
            look_at_places},
    Promise{Invariant::jobs_end_once, Moment::due,
            "Every attempt at a job ends exactly once, and is charged for its own faults only.",
            look_at_verdicts},
    Promise{Invariant::jobs_end_once, Moment::over,
            "Each stall ends as exactly one of retried, dead and cancelled.", look_at_stalls},
};

}  // namespace

std::span<const Promise> promises() { return kPromises; }

void look_at_promises(Moment moment, const Scene& scene) {
    for (const Promise& promise : kPromises)
        if (promise.moment == moment) promise.look(scene);
}

}  // namespace windlass::world
