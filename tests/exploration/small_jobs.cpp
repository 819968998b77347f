// What a small store does, and what it refuses.
#include "exploration/small_jobs.h"

#include <algorithm>
#include <utility>

#include "base/overloaded.h"

namespace windlass::exploration {

using base::Errc;
using core::JobEnd;
using core::JobId;
using core::RequestId;

namespace {

constexpr core::ModelId kModel{1};

core::Error store_error(Errc code) { return base::fail(code, "said by the store"); }

}  // namespace

SmallJobs::SmallJobs(std::shared_ptr<const JobOptions> options) : options_(std::move(options)) {
    for (int i = 1; i <= options_->count; ++i) rows_[JobId{static_cast<std::uint64_t>(i)}];
}

void SmallJobs::fail(const char* sentence) {
    if (!broken_) broken_ = sentence;
}

// --- what may happen

void SmallJobs::add_moves(std::vector<Move>& moves) const {
    const auto add = [&](const char* what, JobId job, Deed deed, bool is_due) {
        moves.push_back({.name = {.what = what, .request = RequestId{job.value}},
                         .deed = deed,
                         .is_due = is_due});
    };
    bool is_first = true;
    for (const auto& [job, row] : rows_) {
        if (row.place == Place::unborn && std::exchange(is_first, false))
            add("arrives: job", job, Deed::job_arrives, false);
        if (row.place == Place::due) add("is due again: job", job, Deed::job_is_due, true);
        const bool is_alive = row.place != Place::unborn && row.place != Place::over;
        if (options_->has_cancel && is_alive && !row.is_cancelled)
            add("is cancelled: job", job, Deed::job_cancelled, false);
    }
    if (orders_.empty()) return;
    moves.push_back(due({.name = {"the store does what it is told"}, .deed = Deed::store_answers}));
    const bool is_question = !std::holds_alternative<core::SettleJob>(orders_.front());
    if (is_question && refusals_ < options_->refusals_max)
        moves.push_back({.name = {"the store's disk is full"}, .deed = Deed::store_refuses});
}

std::optional<core::Event> SmallJobs::perform(const Move& move) {
    const JobId job{move.name.request.value};
    switch (move.deed) {
        case Deed::job_arrives:
            rows_.at(job).place = Place::ready;
            return core::JobsReady{kModel, head_of(job)};
        case Deed::job_is_due: rows_.at(job).place = Place::ready; return core::JobsReady{kModel};
        case Deed::job_cancelled: {
            Row& row = rows_.at(job);
            row.is_cancelled = true;
            if (row.place != Place::lease) row.place = Place::over;
            return core::JobCancelAsked{job};
        }
        case Deed::store_answers: return answer(false);
        case Deed::store_refuses: ++refusals_; return answer(true);
        case Deed::none:
        case Deed::memory_stays:
        case Deed::memory_returns:
        case Deed::lease_takes:
        case Deed::stranger_takes:
        case Deed::stranger_gives:
        case Deed::answers_late:
        case Deed::time_passes:
        case Deed::while_passes: break;
    }
    return std::nullopt;
}

// --- what it is told

void SmallJobs::note(const core::Command& command) {
    if (const auto* sent = std::get_if<core::Dispatch>(&command)) return send(*sent);
    const bool is_order = std::holds_alternative<core::FetchHead>(command) ||
                          std::holds_alternative<core::ClaimJob>(command) ||
                          std::holds_alternative<core::StopJob>(command) ||
                          std::holds_alternative<core::SettleJob>(command);
    if (!is_order) return;
    orders_.push_back(command);
    note_stops();
}

// The engine waits for no answer to them.
void SmallJobs::note_stops() {
    while (!orders_.empty()) {
        const auto* stop = std::get_if<core::StopJob>(&orders_.front());
        if (stop == nullptr) return;
        Row& row = rows_.at(stop->job);
        if (row.place == Place::lease && row.attempt == stop->attempt) row.is_stopped = true;
        orders_.pop_front();
    }
}

std::optional<core::Event> SmallJobs::answer(bool is_refused) {
    const core::Command order = std::move(orders_.front());
    orders_.pop_front();
    note_stops();
    return std::visit(
        base::Overloaded{
            [&](const core::FetchHead& c) -> std::optional<core::Event> {
                if (is_refused) return core::FetchFailed{c.model, store_error(Errc::unavailable)};
                return fetch(c);
            },
            [&](const core::ClaimJob& c) -> std::optional<core::Event> {
                if (is_refused)
                    return core::ClaimRefused{c.request, store_error(Errc::unavailable)};
                return claim(c);
            },
            [&](const core::SettleJob& c) -> std::optional<core::Event> { return settle(c); },
            [](const auto&) -> std::optional<core::Event> { return std::nullopt; },
        },
        order);
}

core::Event SmallJobs::fetch(const core::FetchHead& command) {
    core::HeadFetched fetched{.model = command.model, .heads = {}};
    for (const auto& [job, row] : rows_) {
        if (row.place != Place::ready) continue;
        fetched.heads.push_back(head_of(job));
    }
    return fetched;
}

core::JobHead SmallJobs::head_of(JobId job) {
    const Row& row = rows_.at(job);
    return {.job = job,
            .request = RequestId{++last_request_},
            .rank = job.value,
            .failures = row.failures,
            .crashes = row.crashes};
}

core::Event SmallJobs::claim(const core::ClaimJob& command) {
    Row& row = rows_.at(command.job);
    if (row.place != Place::ready)
        return core::ClaimRefused{command.request, store_error(Errc::conflict)};
    if (command.attempt <= row.attempt) fail("the number of an attempt came again");
    row.place = Place::lease;
    row.attempt = command.attempt;
    row.request = command.request;
    row.is_stopped = false;
    return core::JobClaimed{command.request};
}

core::Event SmallJobs::settle(const core::SettleJob& command) {
    Row& row = rows_.at(command.job);
    if (row.place != Place::lease || row.attempt != command.attempt) {
        fail("an attempt was settled that the store has not handed out, or a second time");
        return core::JobSettled{command.job, command.attempt, store_error(Errc::conflict)};
    }
    const bool is_again = command.end == JobEnd::retried || command.end == JobEnd::returned;
    if (row.is_stopped && command.end == JobEnd::succeeded) fail("a success after a verdict");
    if (is_again && row.runs_in) fail("a job is ready again while a worker has it");
    if (command.charge == core::JobCharge::failure) ++row.failures;
    if (command.charge == core::JobCharge::crash) ++row.crashes;
    if (!is_again || row.is_cancelled) {
        row.place = Place::over;
    } else {
        row.place = command.end == JobEnd::retried ? Place::due : Place::ready;
    }
    row.is_stopped = false;
    return core::JobSettled{command.job, command.attempt};
}

// --- what runs

void SmallJobs::send(const core::Dispatch& command) {
    const auto found = std::ranges::find_if(rows_, [&](const auto& entry) {
        return entry.second.request == command.request && entry.second.place == Place::lease;
    });
    if (found == rows_.end()) {
        if (command.request.value > 1000) fail("a job was sent that the store has not handed out");
        return;
    }
    if (found->second.runs_in) fail("a job is in two workers at once");
    found->second.runs_in = command.generation;
}

void SmallJobs::end_run(RequestId request) {
    for (auto& [job, row] : rows_) {
        if (row.request == request) row.runs_in = {};
    }
}

void SmallJobs::end_worker(core::Generation generation) {
    for (auto& [job, row] : rows_) {
        if (row.runs_in == generation) row.runs_in = {};
    }
}

// --- what is left

bool SmallJobs::is_quiet(bool is_closing) const {
    return orders_.empty() && std::ranges::all_of(rows_, [&](const auto& entry) {
               const Place place = entry.second.place;
               return place == Place::over || place == Place::unborn ||
                      (is_closing && place != Place::lease);
           });
}

std::vector<RequestId> SmallJobs::claimed() const {
    std::vector<RequestId> requests;
    for (const auto& [job, row] : rows_) {
        if (row.request && row.place != Place::over) requests.push_back(row.request);
    }
    return requests;
}

void SmallJobs::encode(core::StateEncoder& encoder) const {
    if (rows_.empty()) return;
    encoder.number(static_cast<std::uint64_t>(refusals_));
    for (const auto& [job, row] : rows_) {
        encoder.number(static_cast<std::uint64_t>(row.place) | row.failures << 4 |
                       row.crashes << 8 | (row.is_cancelled ? 1u << 12 : 0u) |
                       (row.is_stopped ? 1u << 13 : 0u));
        if (row.place == Place::over) continue;
        encoder.request(row.request);
        encoder.generation(row.runs_in);
    }
    encoder.number(orders_.size());
    for (const core::Command& order : orders_) {
        encoder.number(order.index());
        if (const auto* claim = std::get_if<core::ClaimJob>(&order)) {
            encoder.number(claim->job.value);
            encoder.request(claim->request);
        } else if (const auto* end = std::get_if<core::SettleJob>(&order)) {
            encoder.number(end->job.value << 8 | static_cast<std::uint64_t>(end->end) << 4 |
                           static_cast<std::uint64_t>(end->charge));
        }
    }
}

}  // namespace windlass::exploration
