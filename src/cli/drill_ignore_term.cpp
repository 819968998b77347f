// `windlass drill ignore-term`: a job is cancelled whose worker ignores being asked, and SIGTERM.
// Each rung of the ladder comes at its time, and the last one ends it.
#include <fmt/core.h>

#include "cli/drill_jobs.h"
#include "cli/drill_scripts.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;

namespace {

constexpr Bytes kSteel = 64_MiB;
constexpr std::chrono::milliseconds kCancelGrace{500};
constexpr std::chrono::milliseconds kTermGrace{1000};

class IgnoreTerm {
  public:
    IgnoreTerm(Stage& stage, const JobDrillArguments& arguments)
        : jobs_(stage, "ignore-term", arguments.slack) {}

    Result<Report> run() {
        WL_TRY(jobs_.open(
            copy_size(kSteel),
            {{.name = "steel",
              .size = kSteel,
              .keys = fmt::format("cancel_grace = \"{}\"\nterm_grace = \"{}\"\n",
                                  base::to_text(kCancelGrace), base::to_text(kTermGrace))}}));
        const Given deaf = WL_TRY(jobs_.submit("steel", "deaf hang"));
        const auto began = jobs_.wait_for_line("began", deaf.name, kStepLimit);
        WL_TRY(jobs_.stage().check());
        jobs_.script().add(
            {.what = "a job runs that listens to nobody",
             .expected = "in a process of its own",
             .happened = began ? fmt::format("process {}", began->pid) : "it does not",
             .is_met = began.has_value()});
        if (!began) return jobs_.close();
        WL_TRY(see_ladder(deaf, began->pid));
        WL_TRY(jobs_.see_bytes_back("its memory, by the emulator's ledger", began->pid));
        const auto views = WL_TRY(jobs_.wait_until_over({deaf}, kStepLimit));
        const std::size_t runs = count_lines(jobs_.log(), "began", deaf.name);
        jobs_.script().add({.what = "that job",
                            .expected = "cancelled, after 1 attempt",
                            .happened = fmt::format("{}, after {}", views.front().state, runs),
                            .is_met = views.front().state == "cancelled" && runs == 1});
        WL_TRY(
            jobs_.see_done_once("the next job", {WL_TRY(jobs_.submit("steel", "next busy 10"))}));
        return jobs_.close();
    }

  private:
    Result<void> see_ladder(const Given& deaf, int pid) {
        const Duration cancelled = jobs_.stage().now();
        const auto order = jobs_.client().order_job(JobOrder::cancel, deaf.id);
        if (!order) return base::fail(base::Errc::unavailable, order.error().message);
        const auto asked = jobs_.wait_for_line("asked", deaf.name, kStepLimit / 4);
        WL_TRY(jobs_.stage().check());
        jobs_.judge_time("SIGTERM reaches it", kCancelGrace, cancelled,
                         asked ? std::optional{jobs_.when(*asked)} : std::nullopt);
        WL_TRY(
            jobs_.see_gone("its process, by SIGKILL", pid, cancelled, kCancelGrace + kTermGrace));
        return {};
    }

    JobScript jobs_;
};

}  // namespace

Result<Report> run_ignore_term(Stage& stage, const JobDrillArguments& arguments) {
    return IgnoreTerm{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
