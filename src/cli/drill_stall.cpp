// `windlass drill stall`: a job hangs. It is found out in time, its process ends and gives its
// memory back, it runs again in a fresh one, and the jobs of others notice nothing.
#include <fmt/core.h>

#include "cli/drill_jobs.h"
#include "cli/drill_scripts.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;
using base::operator""_GiB;

namespace {

// So large that no second copy fits beside one that does not give its memory back.
constexpr Bytes kSteel = 2_GiB;
constexpr Bytes kCopper = 64_MiB;
constexpr std::chrono::seconds kTermGrace{2};    // in which a starved worker tells of it
constexpr std::chrono::seconds kRetryLimit{10};  // from the verdict, as in [A4.2]
constexpr std::size_t kOthers = 10;

std::string times_text(std::size_t count) {
    return count == 1 ? "once" : fmt::format("{} times", count);
}

class Stall {
  public:
    Stall(Stage& stage, const JobDrillArguments& arguments)
        : jobs_(stage, "stall", arguments.slack), stall_(arguments.stall) {}

    Result<Report> run() {
        WL_TRY(jobs_.open(
            most(), {{.name = "steel",
                      .size = kSteel,
                      .keys = fmt::format(
                          "stall_timeout = \"{}\"\ncancel_grace = \"0s\"\nterm_grace = \"{}\"\n",
                          base::to_text(stall_), base::to_text(kTermGrace))},
                     {.name = "copper", .size = kCopper}}));
        const Given hung = WL_TRY(jobs_.submit("steel", "hung hang"));
        const auto began = jobs_.wait_for_line("began", hung.name, kStepLimit);
        WL_TRY(jobs_.stage().check());
        jobs_.script().add(
            {.what = "a job hangs",
             .expected = "in a process of its own",
             .happened = began ? fmt::format("process {}", began->pid) : "it does not",
             .is_met = began.has_value()});
        if (!began) return jobs_.close();
        const auto others = WL_TRY(jobs_.submit("copper", "other", kOthers, "busy 100"));
        WL_TRY(see_verdict(hung, *began));
        WL_TRY(see_second(hung, *began));
        WL_TRY(jobs_.see_done_once("jobs of another model", others));
        see_others_kept();
        jobs_.see_most("one copy of each", most());
        return jobs_.close();
    }

  private:
    static Bytes most() { return copy_size(kSteel) + copy_size(kCopper); }

    // SIGTERM reaches the worker with the verdict: nothing was to be waited for before.
    Result<void> see_verdict(const Given& hung, const LogLine& began) {
        const auto asked =
            jobs_.wait_for_line("asked", hung.name, stall_ + jobs_.slack() + kStepLimit / 6);
        WL_TRY(jobs_.stage().check());
        const Duration begin = jobs_.when(began);
        verdict_ = asked ? jobs_.when(*asked) : jobs_.stage().now();
        jobs_.judge_time("its worker is told to end", stall_, begin,
                         asked ? std::optional{verdict_} : std::nullopt);
        WL_TRY(jobs_.see_gone("its process, which ignores that", began.pid, verdict_, kTermGrace));
        return jobs_.see_bytes_back("its memory, by the emulator's ledger", began.pid);
    }

    Result<void> see_second(const Given& hung, const LogLine& began) {
        const auto views = WL_TRY(jobs_.wait_until_over({hung}, kStepLimit));
        const std::vector<LogLine> runs = lines_of(jobs_.log(), "began", hung.name);
        const std::vector<LogLine> ends = lines_of(jobs_.log(), "ended", hung.name);
        const bool is_second = runs.size() == 2 && runs.back().pid != began.pid;
        const Duration after = runs.empty() ? Duration{} : jobs_.when(runs.back()) - verdict_;
        jobs_.script().add(
            {.what = "attempt 2",
             .expected = fmt::format("in a fresh process within {}", base::to_text(kRetryLimit)),
             .happened = is_second ? fmt::format("in process {}", runs.back().pid)
                                   : fmt::format("{} attempts", runs.size()),
             .is_met = is_second && after <= kRetryLimit,
             .after = after});
        jobs_.script().add({.what = "the job in the end",
                            .expected = "succeeded, come to its end once",
                            .happened = fmt::format("{}, come to its end {}", views.front().state,
                                                    times_text(ends.size())),
                            .is_met = views.front().state == "succeeded" && ends.size() == 1});
        return {};
    }

    // They lost no attempt: each began once.
    void see_others_kept() {
        std::size_t runs = 0;
        for (std::size_t i = 0; i < kOthers; ++i)
            runs += count_lines(jobs_.log(), "began", fmt::format("other-{}", i));
        jobs_.script().add({.what = "their attempts",
                            .expected = count_text(kOthers),
                            .happened = count_text(runs),
                            .is_met = runs == kOthers});
    }

    JobScript jobs_;
    Duration stall_;
    Duration verdict_{};  // since the drill began
};

}  // namespace

Result<Report> run_stall(Stage& stage, const JobDrillArguments& arguments) {
    return Stall{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
