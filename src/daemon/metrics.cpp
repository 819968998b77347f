// Series that grow, by prometheus-cpp. Looking one up by its labels costs a hash over maps of
// strings, so those that a request touches are held by pointer.
#include "daemon/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "daemon/metrics_gauges.h"

namespace windlass::daemon {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;

// From a call without work to the longest that a model is given by default.
const Histogram::BucketBoundaries kCallSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                  0.05,   0.1,   0.25,   0.5,   1,    2.5,
                                                  5,      10,    30,     60,    300,  1200};
const Histogram::BucketBoundaries kLagSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,  0.5,    1,     2.5,  10};
// From a disk with a cache of its own to one that hangs.
const Histogram::BucketBoundaries kCommitSeconds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
// From weights that lie in a cache to a load of minutes.
const Histogram::BucketBoundaries kSwapSeconds = {0.01, 0.05, 0.1, 0.25, 0.5, 1,   2.5,
                                                  5,    10,   30,  60,   180, 600, 1800};

double to_seconds(base::Duration duration) { return base::to_milliseconds(duration) / 1e3; }

const char* to_text(Swap swap) {
    switch (swap) {
        case Swap::load: return "load";
        case Swap::offload: return "offload";
        case Swap::restore: return "restore";
    }
    return "";
}

// After these a process does not end as it should; the next start is in its place.
bool is_bad_end(core::EventCode code) {
    using enum core::EventCode;
    return code == model_load_failed || code == worker_lost || code == worker_poisoned ||
           code == run_limit_reached || code == worker_terminated || code == worker_killed;
}

}  // namespace

struct Metrics::State {
    struct Answer {
        std::string_view route;
        int status;
        std::string_view type;
        friend auto operator<=>(const Answer&, const Answer&) = default;
    };

    // All that is counted of one model, and of the requests that are about none.
    struct Series {
        std::map<Answer, Counter*> requests;  // the texts are literals
        std::map<std::string, Counter*, std::less<>> events;
        // Made with the first call: a thousand idle models would have 80,000 lines of them.
        Histogram* queue = nullptr;
        Histogram* load = nullptr;
        Histogram* run = nullptr;
        Histogram* total = nullptr;
        std::map<std::string_view, Counter*> recycled;  // by cause
        Counter* offloads = nullptr;
        Counter* restores = nullptr;
        Counter* evictions = nullptr;
        Counter* restarts = nullptr;
        // Made when something is there to be counted: most models never have it.
        std::map<Swap, Histogram*> swaps;
        std::map<std::string, Counter*, std::less<>> incidents;  // by cause
        std::map<std::string_view, Counter*> errors;             // by type, a literal
        std::set<core::Generation> bad_ends;  // of processes in whose place none was started
    };

    Series& find(std::string_view model) {
        const auto found = models.find(model);
        return found == models.end() ? others : found->second;
    }

    Family<Counter>& counter(const char* name, const char* help) {
        return BuildCounter().Name(name).Help(help).Register(registry);
    }
    Family<Histogram>& histogram(const char* name, const char* help) {
        return BuildHistogram().Name(name).Help(help).Register(registry);
    }

    prometheus::Registry registry;
    Family<Counter>& requests = counter("windlass_requests_total", "Requests that are over.");
    Family<Counter>& events = counter("windlass_events_total", "Events of the log about models.");
    Family<Histogram>& queue =
        histogram("windlass_call_queue_seconds", "Waiting for a place, of calls that ran.");
    Family<Histogram>& load =
        histogram("windlass_call_load_seconds", "Waiting for the model, of calls that ran.");
    Family<Histogram>& run =
        histogram("windlass_call_run_seconds", "Inside the model, of calls that ran.");
    Family<Histogram>& total =
        histogram("windlass_call_seconds", "First byte in to last byte out, of calls that ran.");
    Family<Counter>& recycled = counter("windlass_workers_recycled_total",
                                        "Workers that were replaced before they did harm.");
    Family<Counter>& offloads =
        counter("windlass_model_offloads_total", "Moves of its weights to the host's memory.");
    Family<Counter>& restores =
        counter("windlass_model_restores_total", "Moves of its weights back to a device.");
    Family<Counter>& evictions =
        counter("windlass_model_evictions_total", "Times that it had to make room for another.");
    Family<Counter>& restarts =
        counter("windlass_model_restarts_total",
                "Starts of a process after one that did not end as it should.");
    Family<Histogram>& swaps =
        histogram("windlass_model_swap_seconds", "How long its loads, offloads and restores took.");
    Family<Counter>& incidents = counter(
        "windlass_incidents_total", "Workers that had to be ended or died, by the cause of it.");
    Family<Counter>& errors = counter("windlass_model_errors_total",
                                      "Errors of its loads, moves, runs' limits and workers.");
    Histogram& lag =
        histogram("windlass_loop_lag_seconds", "How late the loop came to what was due.")
            .Add({}, kLagSeconds);
    Histogram& commits = histogram("windlass_store_commit_seconds",
                                   "How long transactions took that had to be on disk.")
                             .Add({}, kCommitSeconds);
    Histogram& syncs = histogram("windlass_store_fsync_seconds",
                                 "Of these, the end: the log written and brought to the disk.")
                           .Add({}, kCommitSeconds);
    std::map<std::string, Series, std::less<>> models;
    Series others;
};

Metrics::Metrics(const std::vector<std::string>& models) : state_(std::make_unique<State>()) {
    for (const std::string& model : models) add_model(model);
}

Metrics::~Metrics() = default;

void Metrics::add_model(const std::string& name) {
    State& state = *state_;
    const auto [place, is_new] = state.models.try_emplace(name);
    if (!is_new) return;
    State::Series& series = place->second;
    const prometheus::Labels labels{{"model", name}};
    series.offloads = &state.offloads.Add(labels);
    series.restores = &state.restores.Add(labels);
    series.evictions = &state.evictions.Add(labels);
    series.restarts = &state.restarts.Add(labels);
    for (const std::string_view cause : {"runs", "growth"}) {
        series.recycled[cause] =
            &state.recycled.Add({{"model", name}, {"cause", std::string{cause}}});
    }
}

bool Metrics::has_model(const std::string& name) const { return state_->models.contains(name); }

void Metrics::count(const http::ExchangeRecord& record) {
    State::Series& series = state_->find(record.model);
    const State::Answer answer{
        .route = record.route,
        .status = record.status,
        .type = record.trace.error_type.empty() ? "ok" : record.trace.error_type};
    Counter*& requests = series.requests[answer];
    if (requests == nullptr) {
        const bool is_known = &series != &state_->others;
        requests =
            &state_->requests.Add({{"model", is_known ? std::string{record.model} : std::string{}},
                                   {"route", std::string{answer.route}},
                                   {"status", std::to_string(answer.status)},
                                   {"type", std::string{answer.type}}});
    }
    requests->Increment();
    if (!record.trace.has_run || &series == &state_->others) return;
    if (series.run == nullptr) {
        const prometheus::Labels labels{{"model", std::string{record.model}}};
        series.queue = &state_->queue.Add(labels, kCallSeconds);
        series.load = &state_->load.Add(labels, kCallSeconds);
        series.run = &state_->run.Add(labels, kCallSeconds);
        series.total = &state_->total.Add(labels, kCallSeconds);
    }
    series.queue->Observe(to_seconds(record.trace.queue));
    series.load->Observe(to_seconds(record.trace.load));
    series.run->Observe(to_seconds(record.trace.run));
    series.total->Observe(to_seconds(record.total));
}

void Metrics::count_event(std::string_view code, std::string_view model) {
    State::Series& series = state_->find(model);
    auto found = series.events.find(code);
    if (found == series.events.end()) {
        Counter& counter =
            state_->events.Add({{"event", std::string{code}}, {"model", std::string{model}}});
        found = series.events.emplace(code, &counter).first;
    }
    found->second->Increment();
}

void Metrics::count_recycled(std::string_view cause, std::string_view model) {
    State::Series& series = state_->find(model);
    if (&series != &state_->others) series.recycled.at(cause)->Increment();
}

void Metrics::count(const core::Report& report, std::string_view model) {
    using enum core::EventCode;
    State::Series& series = state_->find(model);
    if (&series == &state_->others) return;
    if (report.code == model_offloaded) series.offloads->Increment();
    if (report.code == model_restored) series.restores->Increment();
    if (report.code == model_evicted) series.evictions->Increment();
    if (is_bad_end(report.code)) series.bad_ends.insert(report.generation);
    if (report.code == model_loading && !series.bad_ends.empty()) {
        series.bad_ends.erase(series.bad_ends.begin());
        series.restarts->Increment();
    }
    if (!report.error) return;
    const std::string_view type = base::traits(report.error->code).name;
    Counter*& errors = series.errors[type];
    if (errors == nullptr) {
        errors = &state_->errors.Add({{"model", std::string{model}}, {"type", std::string{type}}});
    }
    errors->Increment();
}

void Metrics::count_incident(std::string_view cause, std::string_view model) {
    State::Series& series = state_->find(model);
    if (&series == &state_->others) return;
    auto found = series.incidents.find(cause);
    if (found == series.incidents.end()) {
        Counter& counter =
            state_->incidents.Add({{"model", std::string{model}}, {"cause", std::string{cause}}});
        found = series.incidents.emplace(cause, &counter).first;
    }
    found->second->Increment();
}

void Metrics::observe_swap(Swap swap, std::string_view model, base::Duration took) {
    State::Series& series = state_->find(model);
    if (&series == &state_->others) return;
    Histogram*& times = series.swaps[swap];
    if (times == nullptr) {
        times = &state_->swaps.Add({{"model", std::string{model}}, {"swap", to_text(swap)}},
                                   kSwapSeconds);
    }
    times->Observe(to_seconds(took));
}

void Metrics::observe_loop_lag(base::Duration lag) { state_->lag.Observe(to_seconds(lag)); }

void Metrics::observe_commit(base::Duration whole, base::Duration sync) {
    state_->commits.Observe(to_seconds(whole));
    state_->syncs.Observe(to_seconds(sync));
}

std::string Metrics::text(const MetricsSnapshot& snapshot) {
    std::vector<prometheus::MetricFamily> families = state_->registry.Collect();
    std::ranges::move(to_families(snapshot), std::back_inserter(families));
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, families);
    return out.str();
}

}  // namespace windlass::daemon
