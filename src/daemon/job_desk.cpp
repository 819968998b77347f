// The engine's wishes, and the life of an attempt.
#include "daemon/job_desk.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "daemon/job_progress_json.h"
#include "daemon/job_refusals.h"
#include "daemon/job_translate.h"
#include "daemon/wall_clock.h"

namespace windlass::daemon {

namespace log = base::log;
using base::Errc;
using base::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kPause = 1s;  // before the store is asked again after trouble
constexpr auto kPauseMs = std::chrono::milliseconds{kPause}.count();
constexpr base::Duration kRetainEvery = 10min;
constexpr base::Duration kRecountAfter = 1s;
// For whoever comes after a crash; until then what is asked about progress is answered from memory.
constexpr base::Duration kProgressEvery = 30s;
// The wall clock may be set while we wait for a time of day.
constexpr std::chrono::milliseconds kPromoteEvery = 30s;

void refuse_what_cannot_be_kept(store::Settlement& settlement) {
    const auto* const done = std::get_if<store::Succeeded>(&settlement.outcome);
    if (done == nullptr || done->body.size() <= store::JobStore::kBodyMax) return;
    std::string message = fmt::format(
        "the result has {} bytes, and at most {} can be kept; let the model write it to a file and "
        "return its path",
        done->body.size(), store::JobStore::kBodyMax);
    settlement.outcome =
        store::Failed{.reason = store::FailReason::rejected,
                      .error = {.code = Errc::unsupported, .message = std::move(message)}};
}

}  // namespace

JobDesk::JobDesk(io::Loop& loop, store::JobStore* store, store::JobRetention retention,
                 JobLinks links)
    : loop_(loop),
      store_(store),
      retention_(retention),
      links_(std::move(links)),
      waits_(loop,
             [this](store::JobId job, http::JobShown reply) { show_now(job, std::move(reply)); }),
      chronicle_(loop),
      recount_(loop, [this] { recount(); }),
      start_again_(loop, [this] { start(); }),
      promotion_(loop, [this] { promote(); }),
      settle_again_(loop, [this] { settle_again(); }),
      retention_timer_(loop, [this] { retain(); }) {}

// --- the beginning and the end

void JobDesk::start() {
    if (store_ == nullptr || has_begun_) return;
    store_->begin([this](const Result<store::JobStart>& started) {
        if (!started) {
            note(started.error());
            if (is_trouble(started.error())) start_again_.start(kPause);
            return;
        }
        has_begun_ = true;
        note_success();
        if (started->returned + started->suspected + started->cancelled > 0) {
            log::info("job.recovered", {{"returned", started->returned},
                                        {"suspected", started->suspected},
                                        {"cancelled", started->cancelled}});
        }
        links_.handle(core::JobStoreOpened{started->first_attempt.value});
        tell_ready_all();
        promote();
        retain();
    });
}

void JobDesk::shut_down() {
    is_shutting_down_ = true;
    waits_.end_all(job_desk_is_closing());
}

void JobDesk::finish() { store_ = nullptr; }

void JobDesk::announce(core::ModelId model) {
    if (has_begun_) links_.handle(core::JobsReady{model});
}

void JobDesk::note(const base::Error& error) {
    if (!is_trouble(error) && error.code != Errc::data_corrupt && error.code != Errc::internal)
        return;
    if (!failure_ || failure_->reason != error.reason || failure_->code != error.code) {
        log::warning("job.store_failed",
                     {{"type", base::traits(error.code).name}, {"message", error.message}});
    }
    failure_ = error;
}

void JobDesk::note_success() {
    if (failure_) log::info("job.store_recovered");
    failure_.reset();
}

std::optional<http::Trouble> JobDesk::trouble() const {
    if (!failure_) return std::nullopt;
    return http::Trouble{.reason = failure_->reason == "disk_full" ? "disk_full" : "store_failed",
                         .device = {},
                         .message = failure_->message};
}

// --- order

void JobDesk::tell_ready(const std::string& model) {
    const auto id = links_.find_name(model);
    // It is not configured any more: its jobs wait until it is again.
    if (id) links_.handle(core::JobsReady{*id});
}

void JobDesk::tell_ready_all() {
    if (store_ == nullptr) return;
    store_->count_jobs([this](const Result<std::vector<store::ModelCounts>>& counts) {
        if (!counts) return note(counts.error());
        const auto available = static_cast<std::size_t>(store::JobState::available);
        for (const store::ModelCounts& model : *counts) {
            if (model.by_state[available] > 0) tell_ready(model.model);
        }
    });
}

// --- numbers

void JobDesk::note_change() {
    if (std::exchange(is_recount_due_, true)) return;
    recount_.start(kRecountAfter);
}

void JobDesk::recount() {
    is_recount_due_ = false;
    if (store_ == nullptr) return;
    store_->count_jobs([this](const Result<std::vector<store::ModelCounts>>& counts) {
        if (!counts) return note(counts.error());
        counts_ = *counts;
    });
}

std::vector<JobGauges> JobDesk::gauges() const {
    std::map<std::string, JobGauges> models;
    const std::int64_t now_ms = wall_now_ms();
    for (const store::ModelCounts& counts : counts_) {
        JobGauges& gauges = models[counts.model];
        gauges.counts = to_counts(counts);
        gauges.oldest_wait = waiting_for(counts, now_ms);
    }
    for (const auto& [model, totals] : tally_.models()) models[model].totals = totals;
    std::vector<JobGauges> all;
    for (auto& [model, gauges] : models) {
        gauges.model = model;
        all.push_back(std::move(gauges));
    }
    return all;
}

// --- time

void JobDesk::promote() {
    if (store_ == nullptr || !has_begun_) return;
    promotion_.stop();
    promotion_at_ = base::Instant::max();
    const std::chrono::milliseconds step = wall_step_.take(wall_now_ms(), loop_.now());
    store_->promote(step, [this, step](const Result<store::Promotion>& promoted) {
        if (!promoted) {
            wall_step_.give_back(step);
            note(promoted.error());
            return promote_at(wall_now_ms() + kPauseMs);
        }
        for (const std::string& model : promoted->models) tell_ready(model);
        for (const store::Expired& expired : promoted->expired) {
            chronicle_.expired(expired.job, expired.model);
            tally_.expired(expired.model);
            tell_waits(expired.job);
        }
        note_change();
        if (promoted->next_ms) promote_at(*promoted->next_ms);
    });
}

// Or before that.
void JobDesk::promote_at(std::int64_t time_ms) {
    const std::chrono::milliseconds left{time_ms - wall_now_ms()};
    const std::chrono::milliseconds delay = std::clamp(left, 0ms, kPromoteEvery);
    if (loop_.now() + delay >= promotion_at_) return;
    promotion_at_ = loop_.now() + delay;
    promotion_.start(delay);
}

void JobDesk::retain() {
    if (store_ == nullptr || !has_begun_) return;
    store_->retain(retention_, [this](const Result<std::uint64_t>& deleted) {
        if (!deleted) note(deleted.error());
        note_change();
        const bool has_more = deleted && *deleted > 0;
        retention_timer_.start(has_more ? base::Duration{} : kRetainEvery);
    });
}

// --- the engine's commands

void JobDesk::on(const core::FetchHead& command) {
    if (store_ == nullptr) {
        const core::ModelId model = command.model;
        return loop_.post([this, model] {
            links_.handle(core::FetchFailed{model, no_job_store()});
        });
    }
    store_->read_heads(
        {.model = links_.configuration(command.model).name, .limit = command.limit},
        [this, model = command.model](const Result<std::vector<store::JobHead>>& heads) {
            if (!heads) {
                note(heads.error());
                return links_.handle(core::FetchFailed{model, heads.error()});
            }
            note_success();
            core::HeadFetched fetched{model, {}};
            fetched.heads.reserve(heads->size());
            const std::int64_t now_ms = wall_now_ms();
            for (const store::JobHead& head : *heads)
                fetched.heads.push_back(to_head(head, links_.new_request(), now_ms));
            links_.handle(fetched);
        });
}

void JobDesk::on(const core::ClaimJob& command) {
    if (store_ == nullptr) {
        const core::RequestId request = command.request;
        return loop_.post([this, request] {
            links_.handle(core::ClaimRefused{request, no_job_store()});
        });
    }
    if (auto arrival = arrivals_.take({command.job.value}))
        return hand_over_claimed(*std::move(arrival), command);
    ++claims_asked_;
    store_->claim({command.job.value}, {command.attempt},
                  [this, command](Result<store::ClaimedJob> claimed) {
                      --claims_asked_;
                      if (claimed) return begin(command, *std::move(claimed));
                      note(claimed.error());
                      if (is_trouble(claimed.error()))
                          give_back({command.job.value}, {command.attempt});
                      links_.handle(core::ClaimRefused{command.request, claimed.error()});
                  });
}

void JobDesk::begin(const core::ClaimJob& command, store::ClaimedJob claimed) {
    const store::JobId job = claimed.head.job;
    const bool was_charged = claimed.head.failures + claimed.head.crashes > 0;
    const JobWorker worker = links_.worker(command.generation);
    attempts_[command.request.value] = {.input = to_input(command.model, std::move(claimed)),
                                        .number = command.attempt,
                                        .pid = worker.pid,
                                        .worker = to_text(worker),
                                        .past = {.was_charged = was_charged}};
    note_change();
    running_[job] = command.request;
    fresh_.forget(job);
    chronicle_.started(job, links_.configuration(command.model).name, command);
    links_.handle(core::JobClaimed{command.request});
}

void JobDesk::on(const core::StopJob& command) {
    if (store_ == nullptr) return;
    const auto running = running_.find({command.job.value});
    if (running != running_.end()) {
        Attempt& attempt = attempts_.at(running->second.value);
        attempt.past.is_stalled |= command.cause == core::JobStopCause::stalled;
        chronicle_.stopping(command, links_.configuration(attempt.input.model).name);
    }
    store_->begin_stop({command.job.value}, {command.attempt}, to_cause(command.cause),
                       [this](const Result<void>& stored) {
                           if (!stored) note(stored.error());
                       });
}

void JobDesk::on(const core::SettleJob& command, Answer answer, std::string evidence) {
    store::Settlement settlement =
        to_settlement(command, std::move(answer.content_type), std::move(answer.body));
    refuse_what_cannot_be_kept(settlement);
    if (evidence.size() <= store::JobStore::kTextMax) settlement.evidence = std::move(evidence);
    if (const auto found = attempts_.find(command.request.value); found != attempts_.end()) {
        Attempt& attempt = found->second;
        settlement.worker = attempt.worker;
        if (const auto last = attempt.progress) keep_progress(attempt, *last);
    }
    settle(command, std::make_shared<const store::Settlement>(std::move(settlement)));
}

// It is not known whether such a claim took effect; if it did, nobody runs the job.
void JobDesk::give_back(store::JobId job, store::AttemptId attempt) {
    if (store_ == nullptr) return;
    store_->settle(std::make_shared<const store::Settlement>(store::Settlement{
                       .job = job, .attempt = attempt, .outcome = store::Returned{}}),
                   [this, job, attempt](const Result<store::Settled>& settled) {
                       if (settled) {
                           tell_waits(job);  // its deadline may have passed
                           return tell_ready_all();
                       }
                       if (!is_trouble(settled.error())) return;  // it had not
                       unclaimed_.emplace_back(job, attempt);
                       settle_again_.start(kPause);
                   });
}

void JobDesk::settle_again() {
    for (const auto& [job, attempt] : std::exchange(unclaimed_, {})) give_back(job, attempt);
    for (const auto& [command, settlement] : std::exchange(unsettled_, {})) {
        settle(command, settlement);
    }
}

// Until the store has it, or has refused it for good: what was done is not done again for a disk
// that was full for a while.
void JobDesk::settle(const core::SettleJob& command, const store::SharedSettlement& settlement) {
    if (store_ == nullptr) return;
    // Before a pause is added to the new time, with which it would be moved once too often.
    if (wall_step_.is_pending(wall_now_ms(), loop_.now())) promote();
    store_->settle(settlement, [this, command, settlement](const Result<store::Settled>& settled) {
        if (!settled && is_trouble(settled.error())) {
            note(settled.error());
            unsettled_.emplace_back(command, settlement);
            return settle_again_.start(kPause);
        }
        const auto attempt = attempts_.extract(command.request.value);
        running_.erase(store::JobId{command.job.value});
        core::JobSettled told{command.job, command.attempt, std::nullopt};
        if (!settled) {
            note(settled.error());
            told.error = settled.error();
        } else {
            const std::string& model = links_.configuration(command.model).name;
            chronicle_.ended(command, model, attempt ? attempt.mapped().pid : 0);
            tally_.ended(model, command, attempt ? attempt.mapped().past : JobTally::Past{});
            note_change();
        }
        links_.handle(told);
        if (settled && !store::is_over(settled->state)) promote();
        if (settled && settled->job && waits_.has(settlement->job))
            waits_.tell(settlement->job, status_of(*settled->job));
        tell_waits(settlement->job);  // the others: it was not told, or is not over
    });
}

// --- attempts

const JobInput* JobDesk::find(core::RequestId request) const {
    const auto found = attempts_.find(request.value);
    return found == attempts_.end() ? nullptr : &found->second.input;
}

void JobDesk::note_progress(const worker::Progressed& progress) {
    const auto found = attempts_.find(progress.request);
    if (store_ == nullptr || found == attempts_.end()) return;
    Attempt& attempt = found->second;
    const bool is_first = attempt.progress_kept == base::Instant{};
    if (is_first || loop_.now() - attempt.progress_kept >= kProgressEvery) {
        keep_progress(attempt, progress);
    } else {
        attempt.progress = progress;
    }
}

void JobDesk::keep_progress(Attempt& attempt, const worker::Progressed& progress) {
    attempt.progress_kept = loop_.now();
    const std::string json = to_json(progress);
    attempt.progress.reset();
    if (store_ == nullptr) return;
    store_->keep_progress(attempt.input.job, {attempt.number}, json,
                          [this](const Result<void>& kept) {
                              if (!kept) note(kept.error());
                          });
}

// Before the model's code has them: so they are known of an attempt that does not survive that.
void JobDesk::note_settings(worker::Adjusted adjusted) {
    const auto found = attempts_.find(adjusted.request);
    if (store_ == nullptr || found == attempts_.end()) return;
    Attempt& attempt = found->second;
    attempt.input.settings = adjusted.settings;
    store_->keep_settings(attempt.input.job, {attempt.number}, std::move(adjusted.settings),
                          [this](const Result<void>& kept) {
                              if (!kept) note(kept.error());
                          });
}

}  // namespace windlass::daemon
