// What people ask of jobs.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "daemon/job_desk.h"
#include "daemon/job_refusals.h"
#include "daemon/job_translate.h"
#include "daemon/wall_clock.h"

namespace windlass::daemon {

namespace log = base::log;
using base::Errc;
using base::Result;
using namespace std::chrono_literals;

namespace {

// What a body without a content type is taken for: RFC 9110 section 8.3.
constexpr const char* kUnknownContent = "application/octet-stream";

base::Error not_over(const store::JobRecord& job) {
    const http::JobStatus status = to_status(job);
    return base::fail(
        Errc::conflict,
        fmt::format("the job {0} is {1} and has no result yet; wait for it with `windlass jobs "
                    "follow {0}`, or GET /api/jobs/{0}?wait=30s",
                    status.id, http::to_text(status.state)));
}

base::Error no_result(const store::JobRecord& job) {
    if (job.error) return to_error(*job.error);
    return base::fail(Errc::cancelled,
                      fmt::format("the job {} was {}, and has no result", to_text(job.head.job),
                                  http::to_text(to_state(job.state))));
}

store::BulkAction to_bulk(http::JobAction action) {
    switch (action) {
        case http::JobAction::cancel: return store::BulkAction::cancel;
        case http::JobAction::retry: return store::BulkAction::retry;
        case http::JobAction::hold: return store::BulkAction::hold;
        case http::JobAction::release: return store::BulkAction::release;
        case http::JobAction::remove: break;
    }
    return store::BulkAction::remove;
}

}  // namespace

void JobDesk::submit(http::JobSubmission submission, http::JobSubmitted reply) {
    if (is_shutting_down_) return reply(job_desk_is_closing());
    if (store_ == nullptr) return reply(no_job_store());
    const auto id = links_.find_model(submission.model, submission.variant);
    if (!id) return reply(id.error());
    const ModelConfiguration& model = links_.configuration(*id);
    if (!model.ready.empty()) {
        return reply(base::fail(
            Errc::unsupported,
            fmt::format("the model {0} is a program that serves HTTP by itself, and takes no jobs; "
                        "send requests to /api/models/{0}/http/...",
                        model.name)));
    }
    if (submission.content_type.empty()) submission.content_type = kUnknownContent;
    JobArrival arrival{.model = *id,
                       .job = to_new_job(std::move(submission), model),
                       .queue_limit = model.queue_limit,
                       .reply = std::move(reply)};
    if (may_claim_along(arrival)) return hold_for_claim(std::move(arrival));
    arrivals_.begin(arrival);
    if (arrivals_.is_holding()) return hold(std::move(arrival));  // behind those that came before
    hand_over(std::move(arrival));
}

bool JobDesk::may_claim_along(const JobArrival& arrival) const {
    return has_begun_ && !arrival.job.run_at_ms && !arrivals_.has_open(arrival.model) &&
           links_.would_claim(arrival.model);
}

void JobDesk::hold_for_claim(JobArrival arrival) {
    arrival.job.id = store_->reserve();
    const core::JobsReady ready{arrival.model,
                                to_head(arrival.job, links_.new_request(), wall_now_ms())};
    hold(std::move(arrival));
    links_.handle(ready);
}

void JobDesk::hold(JobArrival arrival) {
    if (!arrival.job.id) arrival.job.id = store_->reserve();
    arrivals_.hold(std::move(arrival));
    // Claims are asked for before that.
    loop_.defer([this] {
        for (JobArrival& left : arrivals_.take_all()) hand_over(std::move(left));
    });
}

void JobDesk::hand_over(JobArrival arrival) {
    if (store_ == nullptr) return arrival.reply(no_job_store());
    arrivals_.begin(arrival);
    store_->submit(std::move(arrival.job), arrival.queue_limit,
                   [this, model = arrival.model,
                    reply = std::move(arrival.reply)](Result<store::Submission> taken) mutable {
                       arrivals_.end(model);
                       const bool is_new = note_taken(model, taken, reply);
                       if (!is_new) return;
                       if (taken->state == store::JobState::scheduled) return promote();
                       core::JobsReady ready{model};
                       if (taken->head)
                           ready.head = to_head(*taken->head, links_.new_request(), wall_now_ms());
                       if (taken->head && taken->head->deadline_ms)
                           promote_at(*taken->head->deadline_ms);
                       links_.handle(ready);
                   });
}

// As it was accepted and claimed, or else it is as if the claim had been refused.
void JobDesk::hand_over_claimed(JobArrival arrival, const core::ClaimJob& claim) {
    arrival.job.attempt = {claim.attempt};
    ++claims_asked_;
    store_->submit(
        std::move(arrival.job), arrival.queue_limit,
        [this, claim, reply = std::move(arrival.reply)](Result<store::Submission> taken) mutable {
            --claims_asked_;
            const bool is_new = note_taken(claim.model, taken, reply);
            if (taken && taken->claimed) return begin(claim, *std::move(taken->claimed));
            if (is_new) promote();  // its deadline has passed
            const bool is_unknown = !taken && is_trouble(taken.error());
            if (is_unknown) give_back({claim.job.value}, {claim.attempt});
            // A full disk refuses new jobs only: those that wait may begin.
            const bool is_store_ill = is_unknown && taken.error().reason != "disk_full";
            links_.handle(core::ClaimRefused{
                claim.request, is_store_ill ? taken.error() : job_was_not_accepted()});
        });
}

// Whether there is one more job.
bool JobDesk::note_taken(core::ModelId model, const Result<store::Submission>& taken,
                         http::JobSubmitted& reply) {
    if (!taken) {
        note(taken.error());
        reply(taken.error());
        return false;
    }
    reply(http::JobTicket{
        .id = to_text(taken->job), .is_new = taken->is_new, .state = to_state(taken->state)});
    note_success();
    if (!taken->is_new) return false;
    fresh_.note(taken->job);
    chronicle_.accepted(taken->job, links_.configuration(model).name, taken->state);
    tally_.accepted(links_.configuration(model).name);
    note_change();
    return true;
}

// --- one job

http::JobStatus JobDesk::status_of(const store::JobRecord& record) const {
    http::JobStatus status = to_status(record);
    const auto running = running_.find(record.head.job);
    if (running == running_.end()) return status;
    if (auto place = links_.place(running->second)) {
        if (place->progress) status.progress = std::move(place->progress);
        status.running_for = place->running_for;
    }
    return status;
}

http::JobStatus JobDesk::status_of(const store::JobHistory& history) const {
    http::JobStatus status = status_of(history.job);
    for (const store::AttemptRecord& attempt : history.attempts)
        status.history.push_back(to_attempt(attempt));
    const auto running = running_.find(history.job.head.job);
    if (running == running_.end()) return status;
    const auto place = links_.place(running->second);
    if (!place) return status;
    status.history.push_back({.number = status.attempts,
                              .worker = place->worker.worker,
                              .pid = place->worker.pid,
                              .device = place->worker.device,
                              .started_ms = history.job.started_ms,
                              .outcome = "running",
                              .settings = history.job.settings});
    return status;
}

void JobDesk::show_now(store::JobId job, http::JobShown reply) {
    if (store_ == nullptr) return reply(no_job_store());
    store_->read_job(job, [this, reply = std::move(reply)](Result<store::JobHistory> read) mutable {
        if (!read) return reply(std::move(read).error());
        reply(status_of(*read));
    });
}

std::uint64_t JobDesk::show(std::string id, base::Duration wait, http::JobShown reply) {
    const auto job = read_job_id(id);
    if (!job) {
        reply(job.error());
        return 0;
    }
    if (wait <= 0s) {
        show_now(*job, std::move(reply));
        return 0;
    }
    if (is_shutting_down_) {
        reply(job_desk_is_closing());
        return 0;
    }
    // Noted before it is looked at, so that no end falls in between. All ends are told to waits: of
    // what is surely open there is nothing to see before.
    const std::uint64_t number = waits_.add(*job, wait, std::move(reply));
    if (!running_.contains(*job) && !fresh_.contains(*job)) waits_.look(number);
    return number;
}

void JobDesk::withdraw(std::uint64_t wait) { waits_.withdraw(wait); }

void JobDesk::tell_waits(store::JobId job) {
    fresh_.forget(job);
    waits_.look_again(job);
}

void JobDesk::read_result(std::string id, http::JobResultRead reply) {
    const auto job = read_job_id(id);
    if (!job) return reply(job.error());
    if (store_ == nullptr) return reply(no_job_store());
    store_->read_result(*job, [this, job = *job,
                               reply = std::move(reply)](Result<store::JobResult> read) mutable {
        if (read) {
            return reply(http::JobResult{.content_type = std::move(read->content_type),
                                         .body = std::move(read->body)});
        }
        if (read.error().code != Errc::conflict || store_ == nullptr)
            return reply(std::move(read).error());
        store_->read_job(job, [reply = std::move(reply)](Result<store::JobHistory> seen) mutable {
            if (!seen) return reply(std::move(seen).error());
            reply(is_over(seen->job.state) ? no_result(seen->job) : not_over(seen->job));
        });
    });
}

// --- orders

void JobDesk::order(http::JobAction action, std::string id, http::JobShown reply) {
    const auto job = read_job_id(id);
    if (!job) return reply(job.error());
    if (store_ == nullptr) return reply(no_job_store());
    if (action == http::JobAction::remove) return remove(*job, std::move(reply));
    auto done = [this, action, job = *job,
                 reply = std::move(reply)](Result<store::JobState> state) mutable {
        if (!state) {
            note(state.error());
            return reply(std::move(state).error());
        }
        // What the engine has of it is out of date: one that waits goes, one that runs is ended.
        const bool is_taken_away =
            action == http::JobAction::cancel || action == http::JobAction::hold;
        if (is_taken_away) links_.handle(core::JobCancelAsked{{job.value}});
        log::info("job.ordered", {{"job", to_text(job)}, {"action", to_text(action)}});
        tell_waits(job);
        note_change();
        show_now(job, [this, reply = std::move(reply)](Result<http::JobStatus> shown) mutable {
            if (shown && shown->state == http::JobState::available)
                tell_ready(variant_name(shown->model, shown->variant));
            if (shown && !http::is_over(shown->state)) promote();
            reply(std::move(shown));
        });
    };
    switch (action) {
        case http::JobAction::cancel: return store_->cancel(*job, std::move(done));
        case http::JobAction::retry: return store_->retry(*job, std::move(done));
        case http::JobAction::hold: return store_->hold(*job, std::move(done));
        case http::JobAction::release: return store_->release(*job, std::move(done));
        case http::JobAction::remove: break;
    }
}

// It is shown as it was.
void JobDesk::remove(store::JobId job, http::JobShown reply) {
    show_now(job, [this, job, reply = std::move(reply)](Result<http::JobStatus> shown) mutable {
        if (!shown || store_ == nullptr) return reply(shown ? no_job_store() : std::move(shown));
        store_->remove(job, [this, shown = std::move(shown),
                             reply = std::move(reply)](Result<void> removed) mutable {
            if (!removed) return reply(std::move(removed).error());
            note_change();
            reply(std::move(shown));
        });
    });
}

struct JobDesk::Bulk {
    http::JobAction action;
    store::JobQuery query;
    std::uint64_t changed = 0;
    http::JobsCounted reply;
};

void JobDesk::order_all(http::JobAction action, http::JobFilter filter, http::JobsCounted reply) {
    if (store_ == nullptr) return reply(no_job_store());
    log::info("job.ordered", {{"action", to_text(action)}, {"model", filter.model}});
    go_on(std::make_shared<Bulk>(
        Bulk{.action = action, .query = to_query(filter), .reply = std::move(reply)}));
}

// Some at a time, so that others have their turn.
void JobDesk::go_on(const std::shared_ptr<Bulk>& bulk) {
    if (store_ == nullptr) return bulk->reply(no_job_store());
    store_->bulk(to_bulk(bulk->action), bulk->query,
                 [this, bulk](const Result<store::BulkResult>& done) {
                     if (!done) {
                         note(done.error());
                         return bulk->reply(done.error());
                     }
                     bulk->changed += done->changed + done->running.size();
                     for (const store::JobId job : done->running)
                         links_.handle(core::JobCancelAsked{{job.value}});
                     bulk->query.before = done->next;
                     if (done->next) return go_on(bulk);
                     tell_ready_all();
                     promote();
                     fresh_.forget_all();
                     waits_.look_again_all();
                     note_change();
                     bulk->reply(bulk->changed);
                 });
}

// --- lists

void JobDesk::list(http::JobQuery query, http::JobsListed reply) {
    if (store_ == nullptr) return reply(no_job_store());
    store::JobQuery wanted = to_query(query.filter);
    wanted.limit = query.limit;
    if (!query.after.empty()) {
        const auto after = read_job_id(query.after);
        if (!after) return reply(after.error());
        wanted.before = *after;
    }
    store_->list_jobs(std::move(wanted),
                      [this, reply = std::move(reply)](const Result<store::JobPage>& page) mutable {
                          if (!page) return reply(page.error());
                          http::JobPage shown;
                          shown.jobs.reserve(page->jobs.size());
                          for (const store::JobRecord& job : page->jobs)
                              shown.jobs.push_back(status_of(job));
                          if (page->next) shown.next = to_text(*page->next);
                          reply(std::move(shown));
                      });
}

void JobDesk::queues(std::optional<base::Duration> since, http::QueuesShown reply) {
    if (store_ == nullptr) return reply(no_job_store());
    store_->count_jobs([this, since, reply = std::move(reply)](
                           Result<std::vector<store::ModelCounts>> counts) mutable {
        if (!counts) return reply(std::move(counts).error());
        std::vector<http::QueueStatus> queues(1);
        const std::vector<std::string> paused = links_.paused();
        for (const store::ModelCounts& each : *counts) {
            const http::JobCounts jobs = to_counts(each);
            for (std::size_t state = 0; state < http::kJobStateCount; ++state)
                queues.front().jobs.counts[state] += jobs.counts[state];
            const auto oldest = waiting_for(each, wall_now_ms());
            queues.push_back({.model = each.model,
                              .is_paused = std::ranges::find(paused, each.model) != paused.end(),
                              .jobs = jobs,
                              .oldest = oldest});
            if (oldest)
                queues.front().oldest = std::max(*oldest, queues.front().oldest.value_or(0s));
        }
        if (!since || store_ == nullptr) return reply(std::move(queues));
        add_reports(std::move(queues), *since, std::move(reply));
    });
}

void JobDesk::add_reports(std::vector<http::QueueStatus> queues, base::Duration since,
                          http::QueuesShown reply) {
    store_->read_statistics(
        wall_now_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(since).count(),
        [queues = std::move(queues), reply = std::move(reply)](
            const Result<std::vector<store::ModelStatistics>>& read) mutable {
            if (!read) return reply(read.error());
            for (const store::ModelStatistics& each : *read) {
                const auto queue = std::ranges::find(queues, each.model, &http::QueueStatus::model);
                if (queue != queues.end()) queue->report = to_report(each);
            }
            reply(std::move(queues));
        });
}

}  // namespace windlass::daemon
