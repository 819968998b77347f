// `windlass drill leak`: a worker keeps what its jobs take. It is replaced before it has much more
// than `max_growth` allows, no job notices, and all of the memory comes back.
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
constexpr Bytes kGrowthMax = 256_MiB;
constexpr Bytes kLeak = 200_MiB;  // of each job
constexpr std::size_t kJobs = 5;
// Growth counts after the first run, and is seen when it is more than kGrowthMax.
constexpr Bytes kHeldMax = kSteel + kLeak + kGrowthMax + kLeak;

class Leak {
  public:
    Leak(Stage& stage, const JobDrillArguments& arguments)
        : jobs_(stage, "leak", arguments.slack) {}

    Result<Report> run() {
        WL_TRY(jobs_.open(copy_size(kHeldMax),
                          {{.name = "steel",
                            .size = kSteel,
                            .keys = fmt::format("max_growth = \"{}B\"\n", kGrowthMax.count())}}));
        std::vector<Given> given;
        for (std::size_t i = 0; i < kJobs; ++i) {
            given.push_back(
                WL_TRY(jobs_.submit("steel", fmt::format("leak-{} leak {}B", i, kLeak.count()))));
            WL_TRY(jobs_.wait_until_over(given, kStepLimit));
            WL_TRY(rest());
        }
        WL_TRY(jobs_.see_done_once("jobs whose worker keeps what they take", given));
        WL_TRY(see_replaced());
        see_largest();
        return jobs_.close();
    }

  private:
    // What it has while nothing runs in it counts, and is measured from time to time.
    Result<void> rest() {
        const Duration begin = jobs_.stage().now();
        jobs_.stage().wait_until(
            [&] {
                // Before it is asked how old the measure is: one of before `begin` counts for none.
                const Duration rested = jobs_.stage().now() - begin;
                const auto age_s = jobs_.told_device().used_age_s;
                return age_s && *age_s * 1000 < base::to_milliseconds(rested);
            },
            kNotice);
        return jobs_.stage().check();
    }

    // The first worker is gone, and the second has done the rest.
    Result<void> see_replaced() {
        const std::vector<LogLine> runs = lines_of(jobs_.log(), "began");
        std::set<int> pids;
        for (const LogLine& run : runs) pids.insert(run.pid);
        jobs_.script().add({.what = "workers in turn",
                            .expected = "2",
                            .happened = count_text(pids.size()),
                            .is_met = pids.size() == 2});
        if (runs.empty()) return {};
        const int first = runs.front().pid;
        WL_TRY(jobs_.see_gone("the worker that had grown", first, jobs_.stage().now(), {}));
        return jobs_.see_bytes_back("its memory, by the emulator's ledger", first);
    }

    void see_largest() {
        Bytes largest;
        for (const Look& look : jobs_.script().observer().looks()) {
            for (const Holding& holding : look.holdings) largest = std::max(largest, holding.bytes);
        }
        const Bytes most = copy_size(kHeldMax);
        jobs_.script().add({.what = "most that one worker had, by the driver",
                            .expected = "at most " + base::to_text(most),
                            .happened = base::to_text(largest),
                            .is_met = largest <= most});
    }

    // A device at rest is measured every 2 to 10 s.
    static constexpr std::chrono::seconds kNotice{12};

    JobScript jobs_;
};

}  // namespace

Result<Report> run_leak(Stage& stage, const JobDrillArguments& arguments) {
    return Leak{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
