// `windlass drill crash`: a job that kills its worker each time is given up after as many attempts
// as it may have, and the others are done.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "cli/drill_jobs.h"
#include "cli/drill_scripts.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;

namespace {

constexpr Bytes kSteel = 64_MiB;
constexpr std::size_t kCrashes = 3;
constexpr std::size_t kOthers = 20;

class Crash {
  public:
    Crash(Stage& stage, const JobDrillArguments& arguments)
        : jobs_(stage, "crash", arguments.slack) {}

    Result<Report> run() {
        WL_TRY(
            jobs_.open(copy_size(kSteel), {{.name = "steel",
                                            .size = kSteel,
                                            .keys = fmt::format("job_crashes = {}\n", kCrashes)}}));
        std::vector<Given> others = WL_TRY(jobs_.submit("steel", "before", kOthers / 2, "busy 20"));
        const Given poison = WL_TRY(jobs_.submit("steel", "poison exit"));
        for (Given& job : WL_TRY(jobs_.submit("steel", "behind", kOthers / 2, "busy 20")))
            others.push_back(std::move(job));
        WL_TRY(see_given_up(poison));
        WL_TRY(jobs_.see_done_once("the other jobs", others));
        return jobs_.close();
    }

  private:
    Result<void> see_given_up(const Given& poison) {
        const Duration begin = jobs_.stage().now();
        const auto views = WL_TRY(jobs_.wait_until_over({poison}, kStepLimit));
        const JobView& view = views.front();
        const std::vector<LogLine> runs = lines_of(jobs_.log(), "began", poison.name);
        std::set<int> pids;
        for (const LogLine& run : runs) pids.insert(run.pid);
        jobs_.script().add(
            {.what = "attempts at a job that kills its worker",
             .expected = fmt::format("{0}, in {0} processes", kCrashes),
             .happened = fmt::format("{}, in {} processes", runs.size(), pids.size()),
             .is_met = runs.size() == kCrashes && pids.size() == kCrashes,
             .after = jobs_.stage().now() - begin});
        const std::set<int> workers = jobs_.daemon().workers();
        const auto living = static_cast<std::size_t>(
            std::ranges::count_if(pids, [&](int pid) { return workers.contains(pid); }));
        jobs_.script().add({.what = "of these processes live",
                            .expected = "0",
                            .happened = count_text(living),
                            .is_met = living == 0});
        const bool is_given_up = view.state == "failed" && view.reason == "crashes";
        jobs_.script().add({.what = "that job",
                            .expected = "failed (crashes), with its error",
                            .happened = fmt::format("{} ({}){}{}", view.state, view.reason,
                                                    view.error.empty() ? "" : ": ", view.error),
                            .is_met = is_given_up && !view.error.empty()});
        return {};
    }

    JobScript jobs_;
};

}  // namespace

Result<Report> run_crash(Stage& stage, const JobDrillArguments& arguments) {
    return Crash{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
