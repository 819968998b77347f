// One row for each family: its name, its meaning, and what it says of one model or device.
#include "daemon/metrics_gauges.h"

#include <prometheus/metric_family.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/version.h"
#include "core/residency.h"
#include "device/device.h"
#include "io/wall_clock.h"

namespace windlass::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// What a row writes into.
class Series {
  public:
    Series(MetricFamily& family, const Labels& labels) : family_(family), labels_(labels) {}

    void add(double value, const Labels& more = {}) const {
        ClientMetric& metric = family_.metric.emplace_back();
        metric.label = labels_;
        metric.label.insert(metric.label.end(), more.begin(), more.end());
        std::ranges::sort(metric.label, {}, &ClientMetric::Label::name);
        if (family_.type == MetricType::Counter) {
            metric.counter.value = value;
        } else {
            metric.gauge.value = value;
        }
    }
    void add(std::uint64_t value) const { add(static_cast<double>(value)); }
    void add(bool value) const { add(value ? 1.0 : 0.0); }
    void add(base::Duration value) const { add(base::to_milliseconds(value) / 1e3); }
    void add(base::Bytes value, const Labels& more = {}) const {
        add(static_cast<double>(value.count()), more);
    }
    // What is not known has no series: 0 would be a number.
    void add(const std::optional<base::Bytes>& value, const Labels& more = {}) const {
        if (value) add(*value, more);
    }
    void add(const std::optional<http::Measured>& value) const {
        if (value) add(value->bytes);
    }

  private:
    MetricFamily& family_;
    const Labels& labels_;
};

template <class Subject>
struct Row {
    const char* name;
    MetricType type;
    const char* help;
    void (*write)(const Series&, const Subject&);
};

constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;

// Of models; what stands by is told with the workers.
constexpr std::array kResidencies = {
    core::Residency::cold,       core::Residency::loading,   core::Residency::ready,
    core::Residency::offloading, core::Residency::offloaded, core::Residency::restoring,
    core::Residency::draining,   core::Residency::stopping,  core::Residency::unkillable,
    core::Residency::backoff,
};
constexpr std::array kWorkerStates = {
    core::Residency::standby,    core::Residency::loading,   core::Residency::ready,
    core::Residency::offloading, core::Residency::offloaded, core::Residency::restoring,
    core::Residency::draining,   core::Residency::stopping,  core::Residency::unkillable,
};
constexpr std::array kConditions = {device::Condition::unknown, device::Condition::sound,
                                    device::Condition::failing, device::Condition::unresponsive,
                                    device::Condition::lost};

const Row<ModelGauges> kModelRows[] = {
    {"windlass_model_residency", kGauge, "1 for the state that the model is in, 0 for the others.",
     [](const Series& out, const ModelGauges& model) {
         for (const core::Residency residency : kResidencies) {
             const std::string_view text = core::to_text(residency);
             out.add(text == model.residency ? 1.0 : 0.0, {{"residency", std::string{text}}});
         }
     }},
    {"windlass_model_copies", kGauge, "Copies of the model that are ready.",
     [](const Series& out, const ModelGauges& model) { out.add(std::uint64_t{model.copies}); }},
    {"windlass_requests_waiting", kGauge, "Requests that have not begun.",
     [](const Series& out, const ModelGauges& model) { out.add(std::uint64_t{model.waiting}); }},
    {"windlass_requests_running", kGauge, "Requests that have begun.",
     [](const Series& out, const ModelGauges& model) { out.add(std::uint64_t{model.running}); }},
    {"windlass_requests_oldest_wait_seconds", kGauge,
     "How long the first of those that have not begun has waited; 0 when nobody waits.",
     [](const Series& out, const ModelGauges& model) { out.add(model.oldest_wait); }},
    {"windlass_model_paused", kGauge, "1 while an administrator keeps it from beginning runs.",
     [](const Series& out, const ModelGauges& model) { out.add(model.is_paused); }},
    {"windlass_model_breaker_open", kGauge,
     "1 from too many failures in a row until a run was answered again.",
     [](const Series& out, const ModelGauges& model) { out.add(model.is_breaker_open); }},
    {"windlass_model_need_bytes", kGauge, "What a copy is taken to need of its device.",
     [](const Series& out, const ModelGauges& model) { out.add(model.need); }},
    {"windlass_model_claimed_bytes", kGauge, "What copies of the model claim of the device.",
     [](const Series& out, const ModelGauges& model) {
         for (const auto& [device, bytes] : model.claimed) out.add(bytes, {{"device", device}});
     }},
    {"windlass_model_used_bytes", kGauge,
     "What workers of the model use of the device, when last measured.",
     [](const Series& out, const ModelGauges& model) {
         for (const auto& [device, bytes] : model.used) out.add(bytes, {{"device", device}});
     }},
    {"windlass_model_used_peak_bytes", kGauge,
     "The most that its workers used together, as was measured since the daemon began.",
     [](const Series& out, const ModelGauges& model) { out.add(model.used_peak); }},
    {"windlass_model_loads_total", kCounter, "Starts of a process for the model.",
     [](const Series& out, const ModelGauges& model) { out.add(model.loads); }},
    {"windlass_model_failures_total", kCounter, "Ends of it that led to a back-off.",
     [](const Series& out, const ModelGauges& model) { out.add(model.failures); }},
};

void add_each(const Series& out, const std::map<std::string_view, std::uint64_t>& counts,
              const char* label) {
    for (const auto& [value, count] : counts)
        out.add(static_cast<double>(count), {{label, std::string{value}}});
}

const Row<JobGauges> kJobRows[] = {
    {"windlass_jobs", kGauge, "Jobs that are kept, by state.",
     [](const Series& out, const JobGauges& jobs) {
         for (std::size_t state = 0; state < http::kJobStateCount; ++state) {
             out.add(
                 static_cast<double>(jobs.counts.counts[state]),
                 {{"state",
                   std::string{http::to_text(http::JobState{static_cast<std::uint8_t>(state)})}}});
         }
     }},
    {"windlass_jobs_oldest_wait_seconds", kGauge,
     "How long the first of those that wait for their turn has waited; 0 when none waits.",
     [](const Series& out, const JobGauges& jobs) {
         out.add(jobs.oldest_wait.value_or(base::Duration{}));
     }},
    {"windlass_jobs_accepted_total", kCounter, "Jobs that were taken on.",
     [](const Series& out, const JobGauges& jobs) { out.add(jobs.totals.accepted); }},
    {"windlass_jobs_failed_total", kCounter, "Jobs that failed for good, by the reason.",
     [](const Series& out, const JobGauges& jobs) { add_each(out, jobs.totals.failed, "reason"); }},
    {"windlass_jobs_recovered_total", kCounter,
     "Jobs that succeeded after an attempt that had not.",
     [](const Series& out, const JobGauges& jobs) { out.add(jobs.totals.recovered); }},
    {"windlass_job_attempts_total", kCounter, "Attempts that are over, by what came of them.",
     [](const Series& out, const JobGauges& jobs) { add_each(out, jobs.totals.attempts, "end"); }},
    {"windlass_job_stalls_total", kCounter,
     "Attempts that stood still and were ended for it, by what came of them.",
     [](const Series& out, const JobGauges& jobs) { add_each(out, jobs.totals.stalls, "end"); }},
};

const Row<http::DeviceStatus> kDeviceRows[] = {
    {"windlass_device_info", kGauge, "What it is; always 1.",
     [](const Series& out, const http::DeviceStatus& device) {
         out.add(1.0, {{"kind", device.kind},
                       {"driver", device.driver},
                       {"name", device.name.value_or("")}});
     }},
    {"windlass_device_answers", kGauge, "1 while the device's driver answers, else 0.",
     [](const Series& out, const http::DeviceStatus& device) {
         out.add(device.state == device::to_text(device::Condition::sound));
     }},
    {"windlass_device_state", kGauge, "1 for the state that the device is in, 0 for the others.",
     [](const Series& out, const http::DeviceStatus& device) {
         for (const device::Condition condition : kConditions) {
             const std::string_view text = device::to_text(condition);
             out.add(text == device.state ? 1.0 : 0.0, {{"state", std::string{text}}});
         }
     }},
    {"windlass_device_capacity_bytes", kGauge, "Memory that it has.",
     [](const Series& out, const http::DeviceStatus& device) { out.add(device.capacity); }},
    {"windlass_device_used_bytes", kGauge, "Memory that anybody uses, when last measured.",
     [](const Series& out, const http::DeviceStatus& device) { out.add(device.used); }},
    {"windlass_device_used_peak_bytes", kGauge,
     "The most of these that was measured since the daemon began.",
     [](const Series& out, const http::DeviceStatus& device) { out.add(device.used_peak); }},
    {"windlass_device_claimed_bytes", kGauge, "Memory that models and leases claim.",
     [](const Series& out, const http::DeviceStatus& device) { out.add(device.claimed); }},
    {"windlass_device_claimed_peak_bytes", kGauge, "The most of these since the daemon began.",
     [](const Series& out, const http::DeviceStatus& device) { out.add(device.claimed_peak); }},
    {"windlass_device_foreign_bytes", kGauge, "Memory that others than Windlass's workers use.",
     [](const Series& out, const http::DeviceStatus& device) { out.add(device.foreign); }},
    {"windlass_device_fenced_bytes", kGauge,
     "Memory that dead workers left behind and that stays closed.",
     [](const Series& out, const http::DeviceStatus& device) { out.add(device.fenced); }},
    {"windlass_device_utilization_ratio", kGauge,
     "Share of the driver's last period in which something ran, 0 to 1.",
     [](const Series& out, const http::DeviceStatus& device) {
         if (device.busy_percent) out.add(*device.busy_percent / 100.0);
     }},
    {"windlass_device_sample_age_seconds", kGauge, "How old the measured numbers are.",
     [](const Series& out, const http::DeviceStatus& device) {
         if (device.used) out.add(device.used->age);
     }},
};

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

double unix_time_before(base::Duration ago) {
    return (static_cast<double>(io::wall_clock_ms()) - base::to_milliseconds(ago)) / 1e3;
}

const Row<MetricsSnapshot> kDaemonRows[] = {
    {"windlass_build_info", kGauge, "Which program this is; always 1.",
     [](const Series& out, const MetricsSnapshot&) {
         out.add(1.0, {{"version", std::string{base::version()}},
                       {"commit", std::string{base::commit()}}});
     }},
    {"windlass_start_time_seconds", kGauge, "When the daemon began, in seconds since 1970.",
     [](const Series& out, const MetricsSnapshot& daemon) {
         out.add(unix_time_before(daemon.uptime));
     }},
    {"windlass_ready", kGauge, "1 while GET /readyz says so, else 0.",
     [](const Series& out, const MetricsSnapshot& daemon) { out.add(daemon.is_ready); }},
    {"windlass_store_failing", kGauge, "1 while what is learned cannot be written down, else 0.",
     [](const Series& out, const MetricsSnapshot& daemon) { out.add(daemon.is_store_failing); }},
    {"windlass_workers", kGauge, "Worker processes, by what they do.",
     [](const Series& out, const MetricsSnapshot& daemon) {
         for (const core::Residency state : kWorkerStates) {
             const auto found = daemon.workers.find(core::to_text(state));
             const std::size_t count = found == daemon.workers.end() ? 0 : found->second;
             out.add(static_cast<double>(count), {{"state", std::string{core::to_text(state)}}});
         }
     }},
    {"windlass_connections_open", kGauge, "Connections that are open.",
     [](const Series& out, const MetricsSnapshot& daemon) {
         out.add(std::uint64_t{daemon.connections.open});
     }},
    {"windlass_connections_accepted_total", kCounter, "Connections that were accepted.",
     [](const Series& out, const MetricsSnapshot& daemon) {
         out.add(daemon.connections.accepted);
     }},
    {"windlass_connections_refused_total", kCounter,
     "Of these, those beyond the limit, which were only told so.",
     [](const Series& out, const MetricsSnapshot& daemon) { out.add(daemon.connections.refused); }},
    {"windlass_access_log_lost_total", kCounter,
     "Lines of the access log that could not be written.",
     [](const Series& out, const MetricsSnapshot& daemon) { out.add(daemon.access_lines_lost); }},
    {"windlass_bodies_bytes", kGauge, "Bodies that are kept for requests and replies.",
     [](const Series& out, const MetricsSnapshot& daemon) {
         out.add(std::uint64_t{daemon.connections.body_bytes});
     }},
    {"windlass_resident_memory_bytes", kGauge, "Memory of the daemon itself.",
     [](const Series& out, const MetricsSnapshot&) { out.add(resident_bytes()); }},
    {"windlass_open_fds", kGauge, "Open file descriptors of the daemon.",
     [](const Series& out, const MetricsSnapshot&) { out.add(open_descriptors()); }},
};

template <class Subject, std::size_t count, class Label>
void add_rows(std::vector<MetricFamily>& families, const Row<Subject> (&rows)[count],
              const std::vector<Subject>& subjects, const Label& label) {
    std::vector<Labels> labels;
    labels.reserve(subjects.size());
    for (const Subject& subject : subjects) labels.push_back(label(subject));
    for (const Row<Subject>& row : rows) {
        MetricFamily family{row.name, row.help, row.type, {}};
        for (std::size_t i = 0; i < subjects.size(); ++i) {
            const Series series{family, labels[i]};
            row.write(series, subjects[i]);
        }
        if (!family.metric.empty()) families.push_back(std::move(family));
    }
}

}  // namespace

std::vector<MetricFamily> to_families(const MetricsSnapshot& snapshot) {
    std::vector<MetricFamily> families;
    add_rows(families, kModelRows, snapshot.models, [](const ModelGauges& model) {
        return Labels{{"model", model.name}};
    });
    add_rows(families, kJobRows, snapshot.jobs, [](const JobGauges& jobs) {
        return Labels{{"model", jobs.model}};
    });
    add_rows(families, kDeviceRows, snapshot.devices, [](const http::DeviceStatus& device) {
        return Labels{{"device", device.uuid}};
    });
    const Labels none;
    for (const Row<MetricsSnapshot>& row : kDaemonRows) {
        MetricFamily& family =
            families.emplace_back(MetricFamily{row.name, row.help, row.type, {}});
        const Series series{family, none};
        row.write(series, snapshot);
    }
    return families;
}

}  // namespace windlass::daemon
