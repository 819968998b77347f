// The daemon's own view, where there is one that answers. Nothing fails without.
#include <fmt/core.h>
#include <windlass/client.h>

#include <algorithm>
#include <charconv>

#include "base/version.h"
#include "cli/body_text.h"
#include "cli/device_json.h"
#include "cli/doctor_checks.h"
#include "cli/doctor_processes.h"
#include "cli/model_json.h"
#include "cli/status_json.h"
#include "cli/worker_json.h"
#include "io/read_file.h"

namespace windlass::cli {
namespace {

using namespace std::chrono_literals;

// Of the lock in the state folder: "PID START" of who locked it last (daemon/state_lock.h).
std::optional<SeenProcess> find_daemon(const DoctorView& view, const std::string& state_dir) {
    const std::string text = io::read_file(state_dir + "/lock", 64).value_or("");
    int pid = 0;
    std::uint64_t start = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, pid);
    if (read.ec != std::errc{} || read.ptr == end) return std::nullopt;
    std::from_chars(read.ptr + 1, end, start);
    auto process = see_process(view, pid);
    if (!process || process->start_ticks != start || process->state == 'Z') return std::nullopt;
    return process;
}

// Where it may be found: the socket tells whose state folder it is, an address does not.
std::vector<std::string> urls_of(const daemon::DaemonConfiguration& daemon) {
    std::vector<std::string> urls;
    if (!daemon.socket.empty()) urls.push_back("unix:" + daemon.socket);
    if (daemon.listen.port != 0) urls.push_back("http://" + to_text(daemon.listen));
    return urls;
}

// It may be asked some four times in all.
Client make_client(const DoctorView& view, const std::string& url) {
    const base::Duration limit = std::min<base::Duration>(view.limit / 8, 5s);
    return Client{{.url = url, .connect_timeout = limit, .query_timeout = limit}};
}

void look_at_health(const DaemonState& health, Report& report) {
    report.tell("daemon.version", one_line(health.version));
    if (health.version != base::version() || health.commit != base::commit()) {
        report.add(
            FindingKind::daemon_differs,
            fmt::format("the daemon is {} ({}), this program {} ({})", one_line(health.version),
                        one_line(health.commit), base::version(), base::commit()));
    }
    for (const std::string& trouble : health.troubles) {
        report.add(FindingKind::daemon_degraded, one_line(trouble));
    }
}

void look_at_parts(Client& client, Report& report) {
    if (const auto body = client.devices()) {
        const auto state = parse_devices(*body);
        for (const DeviceState& device : state ? state->devices : std::vector<DeviceState>{}) {
            const base::Bytes fenced{device.fenced_bytes.value_or(0)};
            if (fenced == base::Bytes{}) continue;
            report.add(FindingKind::memory_fenced,
                       fmt::format("{} of {}", base::to_text(fenced), one_line(device.uuid)));
        }
    }
    if (const auto body = client.workers()) {
        const auto workers = parse_workers(*body);
        for (const WorkerState& worker : workers ? *workers : std::vector<WorkerState>{}) {
            if (worker.state != "unkillable") continue;
            report.add(FindingKind::worker_unkillable,
                       fmt::format("worker {} of {} (process {})", worker.id,
                                   one_line(worker.model), worker.pid));
        }
    }
    if (const auto body = client.models()) {
        const auto models = parse_models(*body);
        for (const ModelState& model : models ? *models : std::vector<ModelState>{}) {
            if (model.breaker != "open") continue;
            report.add(FindingKind::model_rests,
                       fmt::format("{}: {}", one_line(model.name), one_line(model.last_error)));
        }
    }
}

}  // namespace

void check_daemon(const DoctorView& view, Report& report) {
    const daemon::DaemonConfiguration configuration = read_plan(view).configuration.daemon;
    const auto process = find_daemon(view, configuration.state_dir);
    report.tell("daemon", process ? to_text(*process) : "none runs with this state folder");
    std::string why;
    for (const std::string& url : urls_of(configuration)) {
        Client client = make_client(view, url);
        const Outcome<std::string> body = client.health();
        const auto health = body ? parse_health(*body) : base::Result<DaemonState>{DaemonState{}};
        if (body && health) {
            // At the address may be another one, with a state folder of its own.
            report.tell("daemon.url", url);
            look_at_health(*health, report);
            return look_at_parts(client, report);
        }
        const bool is_nobody = !body && body.error().reason == "connection_refused";
        const bool is_address = !url.starts_with("unix:");
        why = one_line(body ? health.error().message : body.error().message);
        if (!process && is_address && !is_nobody) {
            report.add(FindingKind::port_taken, fmt::format("{}: {}", url, why));
        }
    }
    if (!process) return;
    // It may be about to start, or to end.
    view.pause(2 * kSecondLook);
    const auto again = find_daemon(view, configuration.state_dir);
    if (!again || *again != *process) return;
    for (const std::string& url : urls_of(configuration)) {
        if (make_client(view, url).health()) return;
    }
    report.add(FindingKind::daemon_silent,
               fmt::format("{} is in state {}, and: {}", to_text(*again), again->state, why));
}

}  // namespace windlass::cli
