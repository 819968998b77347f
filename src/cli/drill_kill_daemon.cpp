// `windlass drill kill-daemon`: SIGKILL of the daemon with jobs running, jobs queued and more being
// handed over. Nothing of it lives on; the next daemon does them all, each once.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cli/drill_jobs.h"
#include "cli/drill_scripts.h"
#include "io/process_identity.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;

namespace {

constexpr Bytes kSteel = 64_MiB;
constexpr std::size_t kRunning = 3;
constexpr std::size_t kQueued = 20;
constexpr std::size_t kEarly = 5;          // done before
constexpr std::size_t kLate = 20;          // handed over while there is no daemon
constexpr std::chrono::seconds kServe{1};  // and the slack; [A4.5] has 2 s

class KillDaemon {
  public:
    KillDaemon(Stage& stage, const JobDrillArguments& arguments)
        : jobs_(stage, "kill-daemon", arguments.slack) {}

    Result<Report> run() {
        WL_TRY(
            jobs_.open(copy_size(kSteel), {{.name = "steel",
                                            .size = kSteel,
                                            .keys = fmt::format("concurrency = {}\n", kRunning)}}));
        early_ = WL_TRY(jobs_.submit("steel", "early", kEarly, "busy 5"));
        WL_TRY(jobs_.see_done_once("jobs before", early_));
        running_ = WL_TRY(jobs_.submit("steel", "running", kRunning, "busy 1500"));
        WL_TRY(see_running());
        queued_ = WL_TRY(jobs_.submit("steel", "queued", kQueued, "busy 5"));
        WL_TRY(kill());
        WL_TRY(serve_again());
        WL_TRY(judge());
        return jobs_.close();
    }

  private:
    Result<void> see_running() {
        const bool is_so = jobs_.stage().wait_until(
            [this] { return lines_of(jobs_.log(), "began").size() == kEarly + kRunning; },
            kStepLimit);
        WL_TRY(jobs_.stage().check());
        jobs_.script().add({.what = "jobs that run, by their own log",
                            .expected = count_text(kRunning),
                            .happened = count_text(lines_of(jobs_.log(), "began").size() - kEarly),
                            .is_met = is_so});
        return {};
    }

    Result<void> kill() {
        // All that the daemon has started, by the process table.
        std::vector<io::ProcessIdentity> descendants;
        for (const int child : children_of(jobs_.daemon().pid())) {
            if (const auto identity = io::find_identity(child)) descendants.push_back(*identity);
        }
        client_ = WL_TRY(jobs_.daemon().start_submitter());
        killed_ = jobs_.stage().now();
        const bool is_killed = jobs_.daemon().kill(kStepLimit);
        for (std::size_t i = 0; i < kLate; ++i)
            client_->write_line(fmt::format("steel late-{0} late-{0} busy 5", i));
        const auto left = [&descendants] {
            return std::ranges::count_if(descendants, io::is_running);
        };
        jobs_.stage().wait_until([&left] { return left() == 0; }, kStepLimit / 4);
        WL_TRY(jobs_.stage().check());
        const Duration after = jobs_.stage().now() - killed_;
        jobs_.script().add({.what = "SIGKILL of the daemon: what it had started lives on",
                            .expected = fmt::format("0 of {}", descendants.size()),
                            .happened = fmt::format("{} of {}", left(), descendants.size()),
                            .is_met = is_killed && left() == 0 && !descendants.empty(),
                            .after = after});
        return {};
    }

    Result<void> serve_again() {
        const Duration begin = WL_TRY(jobs_.open_again());
        const bool is_served = jobs_.stage().wait_until(
            [this] { return jobs_.client().queue().has_value(); }, kStepLimit);
        WL_TRY(jobs_.stage().check());
        const Duration after = jobs_.stage().now() - begin;
        const Duration limit = kServe + jobs_.slack();
        jobs_.script().add({.what = "the next daemon answers",
                            .expected = fmt::format("within {}", base::to_text(limit)),
                            .happened = is_served ? "it does" : "it does not",
                            .is_met = is_served && after <= limit,
                            .after = after});
        return take_late();
    }

    Result<void> take_late() {
        std::string trouble;
        jobs_.stage().wait_until(
            [&] {
                for (const std::string& line : client_->take_lines()) {
                    const std::size_t space = line.find(' ');
                    if (line.starts_with('!')) trouble = "; " + line;
                    late_.push_back({.id = line.substr(space + 1), .name = line.substr(0, space)});
                }
                return late_.size() == kLate;
            },
            kStepLimit);
        client_->close_input();
        WL_TRY(jobs_.stage().check());
        jobs_.script().add({.what = "jobs handed over meanwhile, and acknowledged",
                            .expected = count_text(kLate),
                            .happened = count_text(late_.size()) + trouble,
                            .is_met = late_.size() == kLate && trouble.empty()});
        return {};
    }

    Result<void> judge() {
        const Duration begin = jobs_.stage().now();
        std::vector<Given> all = early_;
        for (const auto* some : {&running_, &queued_, &late_})
            all.insert(all.end(), some->begin(), some->end());
        const std::vector<JobView> views = WL_TRY(jobs_.wait_until_over(all, kStepLimit));
        const auto is_done = [](const JobView& view) { return view.state == "succeeded"; };
        const auto done = static_cast<std::size_t>(std::ranges::count_if(views, is_done));
        jobs_.script().add({.what = "jobs that were acknowledged, done in the end",
                            .expected = count_text(all.size()),
                            .happened = count_text(done),
                            .is_met = done == all.size(),
                            .after = jobs_.stage().now() - begin});
        see_ends(all);
        see_interrupted(views);
        return {};
    }

    // A run whose result did not reach the disk is made again; one whose result did is not.
    void see_ends(const std::vector<Given>& all) {
        std::size_t never = 0;
        std::size_t twice = 0;
        const std::vector<LogLine> lines = jobs_.log();
        for (const Given& job : all) {
            const std::vector<LogLine> ends = lines_of(lines, "ended", job.name);
            const auto after = static_cast<std::size_t>(std::ranges::count_if(
                ends, [this](const LogLine& end) { return jobs_.when(end) > killed_; }));
            const bool was_told = job.name.starts_with("early");
            if (ends.empty()) ++never;
            if (after > 1 || ends.size() - after > 1 || (was_told && ends.size() > 1)) ++twice;
        }
        jobs_.script().add({.what = "by the workers' log: never at their end, twice there",
                            .expected = "0, 0",
                            .happened = fmt::format("{}, {}", never, twice),
                            .is_met = never == 0 && twice == 0});
    }

    void see_interrupted(const std::vector<JobView>& views) {
        std::size_t uncharged = 0;
        for (std::size_t i = 0; i < kRunning; ++i) {
            const JobView& view = views[kEarly + i];
            const std::size_t runs = count_lines(jobs_.log(), "began", running_[i].name);
            if (runs == 2 && view.attempts == 2 && view.failures == 0 && view.crashes == 0)
                ++uncharged;
        }
        jobs_.script().add({.what = "interrupted ones: 2 attempts, nothing charged",
                            .expected = count_text(kRunning),
                            .happened = count_text(uncharged),
                            .is_met = uncharged == kRunning});
    }

    JobScript jobs_;
    std::vector<Given> early_;
    std::vector<Given> running_;
    std::vector<Given> queued_;
    std::vector<Given> late_;
    Part* client_ = nullptr;
    Duration killed_{};  // since the drill began
};

}  // namespace

Result<Report> run_kill_daemon(Stage& stage, const JobDrillArguments& arguments) {
    return KillDaemon{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
