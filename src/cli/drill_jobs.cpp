// Steps of drills about jobs.
#include "cli/drill_jobs.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "cli/drill_json.h"
#include "io/process_identity.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Errc;
using base::Result;

namespace {

using namespace std::chrono_literals;

// How long one question to the daemon may take; it must never hold up the drill.
constexpr std::chrono::seconds kAskLimit{10};
// How much longer than it may take something is waited for, to say when it happened after all.
constexpr std::chrono::seconds kPatience{10};
// Daemon and worker do not begin to count at the same moment.
constexpr std::chrono::milliseconds kEarlyMax{250};

std::string in_seconds(Duration duration) {
    return fmt::format("{:.2f} s", base::to_milliseconds(duration) / 1000);
}

base::Error refused(std::string_view what, const Failure& failure) {
    return base::fail(Errc::unavailable, fmt::format("{}: the drill's own daemon says {}: {}", what,
                                                     failure.type, failure.message));
}

Result<std::string> toml_of(const ModelWish& wish, const std::string& log) {
    std::error_code failed;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe", failed).string();
    if (failed) return base::fail(Errc::internal, "/proc/self/exe cannot be read");
    const std::string need = wish.has_need
                                 ? fmt::format("need = \"{}B\"\n", copy_size(wish.size).count())
                                 : std::string{};
    return fmt::format(
        "[models.{}]\ncommand = [{}, \"drill-worker\", {}, \"{}B\"]\n{}"
        "backoff = \"10ms\"\njob_backoff = \"100ms\"\n{}",
        wish.name, toml_text(program), toml_text(log), wish.size.count(), need, wish.keys);
}

unsigned port_of(const std::string& url) {
    return static_cast<unsigned>(std::stoul(url.substr(url.rfind(':') + 1)));
}

}  // namespace

Bytes copy_size(Bytes size) { return size + context_guess(false); }

std::string count_text(std::size_t count) { return fmt::format("{}", count); }

Result<void> JobScript::open(Bytes most, const std::vector<ModelWish>& models) {
    log_path_ = stage_.folder() + "/runs.log";
    WL_TRY(script_.choose_device({.is_real = false, .most = most}));
    for (const ModelWish& model : models) models_ += WL_TRY(toml_of(model, log_path_));
    return start_daemon(0);
}

Result<void> JobScript::start_daemon(unsigned port) {
    daemon_ =
        WL_TRY(DrillDaemon::make(stage_, script_.device(), {.port = port, .models = models_}));
    client_ = std::make_unique<Client>(
        ClientOptions{.url = daemon_->url(), .query_timeout = kAskLimit, .call_limit = kAskLimit});
    return {};
}

Result<Duration> JobScript::open_again() {
    const unsigned port = port_of(daemon_->url());
    const Duration begin = stage_.now();
    WL_TRY(start_daemon(port));
    return begin;
}

Result<Report> JobScript::close() {
    WL_TRY(script_.end_daemon(*daemon_));
    script_.end_phase("in all", {});
    return script_.take_report();
}

Result<Given> JobScript::submit(const std::string& model, const std::string& order) {
    const auto ticket = client_->submit(model, order, {.content_type = "text/plain"});
    if (!ticket) return refused("handing a job over", ticket.error());
    return Given{.id = ticket->id, .name = order.substr(0, order.find(' '))};
}

Result<std::vector<Given>> JobScript::submit(const std::string& model, const std::string& prefix,
                                             std::size_t count, const std::string& deed) {
    std::vector<Given> given;
    given.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        given.push_back(WL_TRY(submit(model, fmt::format("{}-{} {}", prefix, i, deed))));
    return given;
}

DeviceState JobScript::told_device() {
    const auto answer = client_->devices();
    const auto devices =
        answer ? parse_devices(*answer) : base::fail(Errc::unavailable, answer.error().message);
    if (!devices) return {};
    const auto found =
        std::ranges::find(devices->devices, script_.device().uuid(), &DeviceState::uuid);
    return found == devices->devices.end() ? DeviceState{} : *found;
}

std::optional<LogLine> JobScript::wait_for_line(std::string_view word, const std::string& job,
                                                Duration limit) {
    std::optional<LogLine> found;
    stage_.wait_until(
        [&] {
            const std::vector<LogLine> lines = lines_of(log(), word, job);
            if (!lines.empty()) found = lines.front();
            return found.has_value();
        },
        limit);
    return found;
}

Result<std::vector<JobView>> JobScript::wait_until_over(const std::vector<Given>& jobs,
                                                        Duration limit) {
    std::vector<JobView> views;
    views.reserve(jobs.size());
    for (const Given& job : jobs) views.push_back({.id = job.id});
    std::size_t next = 0;
    stage_.wait_until(
        [&] {
            for (; next < jobs.size(); ++next) {
                const auto answer = client_->job(jobs[next].id);
                auto view = answer ? parse_job(*answer)
                                   : base::fail(Errc::unavailable, answer.error().message);
                if (!view || !view->is_over()) return false;
                views[next] = *std::move(view);
            }
            return true;
        },
        limit);
    WL_TRY(stage_.check());
    return views;
}

Result<void> JobScript::see_done_once(const std::string& what, const std::vector<Given>& jobs) {
    const Duration begin = stage_.now();
    const std::vector<JobView> views = WL_TRY(wait_until_over(jobs, kStepLimit));
    const std::vector<LogLine> lines = log();
    std::size_t done = 0;
    std::size_t twice = 0;
    std::string trouble;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const std::size_t ends = count_lines(lines, "ended", jobs[i].name);
        if (views[i].state == "succeeded" && ends > 0) ++done;
        if (ends > 1) ++twice;
        if (views[i].state == "succeeded" && ends == 1) continue;
        trouble =
            fmt::format("; {} {}: {}", jobs[i].id,
                        views[i].state.empty() ? "is not over" : views[i].state, views[i].error);
    }
    script_.add({.what = what,
                 .expected = fmt::format("{} done, 0 twice", jobs.size()),
                 .happened = fmt::format("{} done, {} twice{}", done, twice, trouble),
                 .is_met = done == jobs.size() && twice == 0,
                 .after = stage_.now() - begin});
    return {};
}

Result<std::optional<Duration>> JobScript::see_gone(const std::string& what, int pid,
                                                    Duration begin, Duration limit) {
    const auto identity = io::find_identity(pid);
    const bool is_gone = stage_.wait_until([&] { return !identity || !io::is_running(*identity); },
                                           limit + slack_ + kPatience);
    WL_TRY(stage_.check());
    const Duration after = stage_.now() - begin;
    script_.add({.what = what,
                 .expected = fmt::format("gone within {}", in_seconds(limit + slack_)),
                 .happened = is_gone ? fmt::format("process {} is gone", pid)
                                     : fmt::format("process {} lives", pid),
                 .is_met = is_gone && after <= limit + slack_,
                 .after = after});
    return is_gone ? std::optional{begin + after} : std::nullopt;
}

Result<void> JobScript::see_bytes_back(const std::string& what, int pid) {
    const Duration begin = stage_.now();
    const DrillDevice& device = script_.device();
    const bool is_back =
        stage_.wait_until([&] { return device.ledger_bytes(pid) == Bytes{}; }, kPatience);
    WL_TRY(stage_.check());
    script_.add({.what = what,
                 .expected = "0 B",
                 .happened = base::to_text(device.ledger_bytes(pid)),
                 .is_met = is_back,
                 .after = stage_.now() - begin});
    return {};
}

void JobScript::see_most(const std::string& expected, Bytes most) {
    const Bytes seen =
        std::max(script_.ledger_peak(),
                 high_water(script_.observer().looks(), {"", {}, stage_.now()}).value_or(Bytes{}));
    script_.add({.what = "most memory at any moment",
                 .expected = fmt::format("at most {}, {}", expected, base::to_text(most)),
                 .happened = base::to_text(seen),
                 .is_met = seen <= most});
}

void JobScript::judge_time(const std::string& what, Duration due, Duration begin,
                           std::optional<Duration> at) {
    const Duration after = at.value_or(stage_.now()) - begin;
    script_.add({.what = what,
                 .expected = fmt::format("{} to {}", in_seconds(due), in_seconds(due + slack_)),
                 .happened = at ? fmt::format("after {}", in_seconds(after)) : "not seen",
                 .is_met = at && after >= due - kEarlyMax && after <= due + slack_,
                 .after = at ? std::optional{after} : std::nullopt});
}

}  // namespace windlass::cli::drill
