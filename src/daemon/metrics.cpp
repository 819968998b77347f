// Series by prometheus-cpp. Looking one up by its labels costs a hash over maps of strings, so
// those that a request touches are held by pointer.
#include "daemon/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "core/residency.h"

namespace windlass::daemon {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

// From a call without work to the longest that a model is given by default.
const Histogram::BucketBoundaries kCallSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                  0.05,   0.1,   0.25,   0.5,   1,    2.5,
                                                  5,      10,    30,     60,    300,  1200};
const Histogram::BucketBoundaries kLagSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,  0.5,    1,     2.5,  10};

double to_seconds(base::Duration duration) { return base::to_milliseconds(duration) / 1e3; }

double to_number(base::Bytes bytes) { return static_cast<double>(bytes.count()); }

// A counter whose true value is kept elsewhere.
void raise_to(Counter& counter, std::uint64_t value) {
    const double more = static_cast<double>(value) - counter.Value();
    if (more > 0) counter.Increment(more);
}

double resident_bytes() {
    std::ifstream file{"/proc/self/statm"};  // proc(5): size, resident, ..., in pages
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    file >> size >> resident;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
    constexpr const char* kFolder = "/proc/self/fd";
    struct stat folder {};
    // Its size is their number since Linux 6.2; before, they must be counted.
    if (::stat(kFolder, &folder) == 0 && folder.st_size > 0) {
        return static_cast<double>(folder.st_size);
    }
    std::error_code ignored;  // then it is empty
    const std::filesystem::directory_iterator entries{kFolder, ignored};
    // Without the descriptor of the folder itself.
    return static_cast<double>(std::distance(begin(entries), end(entries)) - 1);
}

// Of models: what stands by is beside them.
constexpr std::array kResidencies = {
    core::Residency::cold,       core::Residency::loading,   core::Residency::ready,
    core::Residency::offloading, core::Residency::offloaded, core::Residency::restoring,
    core::Residency::draining,   core::Residency::stopping,  core::Residency::unkillable,
    core::Residency::backoff,
};

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
        Histogram* queue = nullptr;
        Histogram* load = nullptr;
        Histogram* run = nullptr;
        Histogram* total = nullptr;
        std::map<std::string_view, Gauge*> residency;
        Gauge* waiting = nullptr;
        Gauge* running = nullptr;
        Counter* loads = nullptr;
        Counter* failures = nullptr;
        std::map<std::string_view, Counter*> recycled;  // by cause
    };

    Series& find(std::string_view model) {
        const auto found = models.find(model);
        return found == models.end() ? others : found->second;
    }

    Family<Counter>& counter(const char* name, const char* help) {
        return BuildCounter().Name(name).Help(help).Register(registry);
    }
    Family<Gauge>& gauge(const char* name, const char* help) {
        return BuildGauge().Name(name).Help(help).Register(registry);
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
    Family<Gauge>& residency =
        gauge("windlass_model_residency", "1 for the state that the model is in.");
    Family<Gauge>& waiting = gauge("windlass_requests_waiting", "Requests that have not begun.");
    Family<Gauge>& running = gauge("windlass_requests_running", "Requests that have begun.");
    Family<Counter>& loads =
        counter("windlass_model_loads_total", "Starts of a process for the model.");
    Family<Counter>& failures =
        counter("windlass_model_failures_total", "Ends of it that led to a back-off.");
    Family<Counter>& recycled = counter("windlass_workers_recycled_total",
                                        "Workers that were replaced before they did harm.");
    Family<Gauge>& device_answers =
        gauge("windlass_device_answers", "1 while the device's driver answers, else 0.");
    Family<Gauge>& device_capacity = gauge("windlass_device_capacity_bytes", "Memory it has.");
    Family<Gauge>& device_used =
        gauge("windlass_device_used_bytes", "Memory of it that anybody uses, when last measured.");
    Family<Gauge>& device_age =
        gauge("windlass_device_sample_age_seconds", "How old these numbers are.");
    Gauge& connections_open =
        gauge("windlass_connections_open", "Connections that are open.").Add({});
    Counter& connections_accepted =
        counter("windlass_connections_accepted_total", "Connections that were accepted.").Add({});
    Counter& connections_refused =
        counter("windlass_connections_refused_total",
                "Of these, those beyond the limit, which were only told so.")
            .Add({});
    Counter& access_lines_lost = counter("windlass_access_log_lost_total",
                                         "Lines of the access log that could not be written.")
                                     .Add({});
    Histogram& lag =
        histogram("windlass_loop_lag_seconds", "How late the loop came to what was due.")
            .Add({}, kLagSeconds);
    Gauge& bodies =
        gauge("windlass_bodies_bytes", "Bodies that are kept for requests and replies.").Add({});
    Gauge& resident =
        gauge("windlass_resident_memory_bytes", "Memory of the daemon itself.").Add({});
    Gauge& descriptors = gauge("windlass_open_fds", "Open file descriptors of the daemon.").Add({});
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
    series.queue = &state.queue.Add(labels, kCallSeconds);
    series.load = &state.load.Add(labels, kCallSeconds);
    series.run = &state.run.Add(labels, kCallSeconds);
    series.total = &state.total.Add(labels, kCallSeconds);
    series.waiting = &state.waiting.Add(labels);
    series.running = &state.running.Add(labels);
    series.loads = &state.loads.Add(labels);
    series.failures = &state.failures.Add(labels);
    for (const std::string_view cause : {"runs", "growth"}) {
        series.recycled[cause] =
            &state.recycled.Add({{"model", name}, {"cause", std::string{cause}}});
    }
    for (const core::Residency residency : kResidencies) {
        const std::string_view text = core::to_text(residency);
        series.residency[text] =
            &state.residency.Add({{"model", name}, {"residency", std::string{text}}});
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
    if (!record.trace.has_run || series.run == nullptr) return;
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

void Metrics::observe_loop_lag(base::Duration lag) { state_->lag.Observe(to_seconds(lag)); }

std::string Metrics::text(const MetricsSnapshot& snapshot) {
    State& state = *state_;
    for (auto& [name, series] : state.models) {  // one that a reload took away stands at nothing
        for (const auto& [residency, gauge] : series.residency) gauge->Set(0);
        series.waiting->Set(0);
        series.running->Set(0);
    }
    for (const ModelGauges& model : snapshot.models) {
        State::Series& series = state.models.at(model.name);
        series.residency.at(model.residency)->Set(1);
        series.waiting->Set(static_cast<double>(model.waiting));
        series.running->Set(static_cast<double>(model.running));
        raise_to(*series.loads, model.loads);
        raise_to(*series.failures, model.failures);
    }
    for (const DeviceGauges& device : snapshot.devices) {
        const prometheus::Labels labels{{"device", device.uuid}};
        state.device_answers.Add(labels).Set(device.is_answering ? 1 : 0);
        // What is not known has no series: 0 would be a number.
        if (device.capacity) state.device_capacity.Add(labels).Set(to_number(*device.capacity));
        if (device.used) state.device_used.Add(labels).Set(to_number(*device.used));
        if (device.age) state.device_age.Add(labels).Set(to_seconds(*device.age));
    }
    state.connections_open.Set(static_cast<double>(snapshot.connections.open));
    raise_to(state.connections_accepted, snapshot.connections.accepted);
    raise_to(state.connections_refused, snapshot.connections.refused);
    raise_to(state.access_lines_lost, snapshot.access_lines_lost);
    state.bodies.Set(static_cast<double>(snapshot.connections.body_bytes));
    state.resident.Set(resident_bytes());
    state.descriptors.Set(open_descriptors());
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, state.registry.Collect());
    return out.str();
}

}  // namespace windlass::daemon
