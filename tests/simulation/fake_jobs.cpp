// What the store does, and what it refuses.
#include "simulation/fake_jobs.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/overloaded.h"

namespace windlass::simulation {

using base::Errc;
using core::JobEnd;
using core::JobId;

namespace {

core::Error said(Errc code) { return base::fail(code, "said by a fake store"); }

}  // namespace

void FakeJobs::fail(const std::string& sentence) {
    if (!broken_) broken_ = sentence;
}

core::JobStoreOpened FakeJobs::open() { return {(++incarnation_ << 40U) + 1}; }

JobId FakeJobs::submit(const Ask& ask, Instant now) {
    const JobId job{rows_.size() + 1};
    Row& row = rows_[job];
    live_.insert(job);
    row.ask = ask;
    row.deadline = ask.deadline ? now + *ask.deadline : Instant::max();
    fresh_.push_back(job);
    return job;
}

// What waits is cancelled here; of what runs the engine is told as well.
void FakeJobs::cancel(JobId job) {
    Row& row = rows_.at(job);
    if (row.place == Place::over) return;
    row.is_cancelled = true;
    if (row.place != Place::lease) finish(job, JobEnd::cancelled);
}

void FakeJobs::finish(JobId job, JobEnd end) {
    Row& row = rows_.at(job);
    row.place = Place::over;
    row.end = end;
    live_.erase(job);
}

void FakeJobs::order(const core::Command& command, Instant at, bool is_refused) {
    if (!orders_.empty()) at = std::max(at, orders_.back().at);
    orders_.push_back({at, command, is_refused});
}

std::optional<FakeJobs::Instant> FakeJobs::next_due() const {
    std::optional<Instant> next;
    const auto take = [&](Instant at) { next = std::min(next.value_or(at), at); };
    if (!orders_.empty()) take(orders_.front().at);
    if (!news_.empty() || !fresh_.empty()) take(Instant{});
    for (const JobId job : live_) {
        const Row& row = rows_.at(job);
        if (row.place == Place::due) take(row.due);
    }
    return next;
}

void FakeJobs::promote(Instant now) {
    for (const JobId job : live()) {
        Row& row = rows_.at(job);
        const bool waits = row.place == Place::ready || row.place == Place::due;
        if (waits && row.deadline <= now) finish(job, JobEnd::dead);
        if (row.place != Place::due || row.due > now) continue;
        row.place = Place::ready;
        news_.insert(row.ask.model);
    }
}

std::vector<core::Event> FakeJobs::take_due(Instant now,
                                            const std::function<core::RequestId()>& new_request) {
    std::vector<core::Event> told;
    while (!orders_.empty() && orders_.front().at <= now) {
        const Order order = std::move(orders_.front());
        orders_.pop_front();
        std::visit(
            base::Overloaded{
                [&](const core::FetchHead& c) {
                    if (order.is_refused) {
                        told.push_back(core::FetchFailed{c.model, said(Errc::unavailable)});
                    } else {
                        told.push_back(fetch(c, now, new_request));
                    }
                },
                [&](const core::ClaimJob& c) {
                    told.push_back(order.is_refused
                                       ? core::ClaimRefused{c.request, said(Errc::unavailable)}
                                       : claim(c, now));
                },
                [&](const core::StopJob& c) {
                    Row& row = rows_.at(c.job);
                    if (row.place == Place::lease && row.attempt == c.attempt)
                        row.is_stopped = true;
                },
                [&](const core::SettleJob& c) { told.push_back(settle(c, now)); },
                [](const auto&) {},
            },
            order.command);
    }
    promote(now);
    for (const JobId job : std::exchange(fresh_, {})) {
        if (rows_.at(job).place != Place::ready) continue;
        told.push_back(core::JobsReady{rows_.at(job).ask.model, head_of(job, now, new_request())});
    }
    for (const core::ModelId model : std::exchange(news_, {}))
        told.push_back(core::JobsReady{model});
    return told;
}

core::JobHead FakeJobs::head_of(JobId job, Instant now, core::RequestId request) const {
    const Row& row = rows_.at(job);
    core::JobHead head{.job = job,
                       .request = request,
                       .rank = row.ask.rank,
                       .failures = row.failures,
                       .crashes = row.crashes,
                       .run_timeout = row.ask.run_timeout,
                       .stall_timeout = row.ask.stall_timeout};
    if (row.deadline != Instant::max()) head.deadline = row.deadline - now;
    return head;
}

core::Event FakeJobs::fetch(const core::FetchHead& command, Instant now,
                            const std::function<core::RequestId()>& new_request) {
    std::vector<std::pair<std::uint64_t, JobId>> ready;
    for (const JobId job : live_) {
        const Row& row = rows_.at(job);
        if (row.place == Place::ready && row.ask.model == command.model)
            ready.emplace_back(row.ask.rank, job);
    }
    std::ranges::sort(ready);
    if (ready.size() > command.limit) ready.resize(command.limit);
    core::HeadFetched fetched{.model = command.model, .heads = {}};
    for (const auto& [rank, job] : ready) fetched.heads.push_back(head_of(job, now, new_request()));
    return fetched;
}

core::Event FakeJobs::claim(const core::ClaimJob& command, Instant now) {
    Row& row = rows_.at(command.job);
    if (row.place != Place::ready || row.deadline <= now)
        return core::ClaimRefused{command.request, said(Errc::conflict)};
    if (command.attempt <= std::max(last_attempt_, row.attempt))
        fail("the number of an attempt came again");
    last_attempt_ = std::max(last_attempt_, command.attempt);
    row.place = Place::lease;
    row.attempt = command.attempt;
    row.is_stopped = false;
    return core::JobClaimed{command.request};
}

core::Event FakeJobs::settle(const core::SettleJob& command, Instant now) {
    Row& row = rows_.at(command.job);
    if (row.place != Place::lease || row.attempt != command.attempt) {
        fail("an attempt was settled that the store does not know");
        return core::JobSettled{command.job, command.attempt, said(Errc::conflict)};
    }
    if (row.is_stopped && command.end == JobEnd::succeeded) fail("a success after a verdict");
    if (command.charge == core::JobCharge::failure) ++row.failures;
    if (command.charge == core::JobCharge::crash) ++row.crashes;
    const bool is_again = command.end == JobEnd::retried || command.end == JobEnd::returned;
    const JobEnd end = is_again && row.is_cancelled ? JobEnd::cancelled : command.end;
    if (end == JobEnd::retried) {
        row.place = Place::due;
        row.due = now + command.delay;
    } else if (end == JobEnd::returned) {
        row.place = Place::ready;
        news_.insert(row.ask.model);
    } else {
        finish(command.job, end);
    }
    return core::JobSettled{command.job, command.attempt};
}

std::vector<core::Event> FakeJobs::tell_all() const {
    std::set<core::ModelId> ready;
    for (const JobId job : live_) {
        const Row& row = rows_.at(job);
        if (row.place == Place::ready) ready.insert(row.ask.model);
    }
    std::vector<core::Event> told;
    for (const core::ModelId model : ready) told.push_back(core::JobsReady{model});
    return told;
}

// What it had handed out is ready again, and charged with nothing.
void FakeJobs::crash(Instant now) {
    std::erase_if(orders_, [&](const Order& order) { return order.at > now; });
    const auto no_heads = [] { return core::RequestId{}; };
    take_due(now, no_heads);
    news_.clear();
    fresh_.clear();
    for (const JobId job : live()) {
        Row& row = rows_.at(job);
        if (row.place != Place::lease) continue;
        row.place = Place::ready;
        if (row.is_cancelled) finish(job, JobEnd::cancelled);
    }
}

}  // namespace windlass::simulation
