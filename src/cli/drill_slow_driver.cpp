// `windlass drill slow-driver`: the device's driver does not answer any more. Calls and jobs go on,
// and what is told of the device says how old it is.
#include <fmt/core.h>

#include <algorithm>

#include "cli/drill_jobs.h"
#include "cli/drill_scripts.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;

namespace {

constexpr Bytes kSteel = 64_MiB;
constexpr std::chrono::seconds kHang{5};
constexpr std::chrono::seconds kAnswerLimit{1};
// A device at rest is asked every few seconds, and has 5 s to answer.
constexpr std::chrono::seconds kToldLimit{15};
constexpr std::size_t kJobs = 20;
constexpr std::size_t kCalls = 3;

class SlowDriver {
  public:
    SlowDriver(Stage& stage, const JobDrillArguments& arguments)
        : jobs_(stage, "slow-driver", arguments.slack) {}

    Result<Report> run() {
        WL_TRY(jobs_.open(copy_size(kSteel), {{.name = "steel", .size = kSteel}}));
        WL_TRY(
            jobs_.see_done_once("a job before", {WL_TRY(jobs_.submit("steel", "first busy 1"))}));
        jobs_.script().device().set_fault(emulator::Fault::query_hangs, 1);
        const Result<void> gone_on = go_on();
        jobs_.script().device().set_fault(emulator::Fault::query_hangs, 0);
        WL_TRY(Result<void>{gone_on});
        // The driver is asked again within a minute, which is not waited for.
        WL_TRY(jobs_.see_done_once("a job once it answers again",
                                   {WL_TRY(jobs_.submit("steel", "last busy 1"))}));
        jobs_.see_most("one copy", copy_size(kSteel));
        return jobs_.close();
    }

  private:
    Result<void> go_on() {
        const Duration begin = jobs_.stage().now();
        WL_TRY(jobs_.see_done_once("jobs while it hangs",
                                   WL_TRY(jobs_.submit("steel", "job", kJobs, "busy 10"))));
        see_calls();
        WL_TRY(jobs_.stage().check());
        std::optional<double> age_s;
        Duration slowest{};
        jobs_.stage().wait_until(
            [&] {
                const Duration asked = jobs_.stage().now();
                age_s = jobs_.told_device().used_age_s;
                slowest = std::max(slowest, jobs_.stage().now() - asked);
                return jobs_.stage().now() - begin >= kHang;
            },
            kHang);
        WL_TRY(jobs_.stage().check());
        const double hung_s = base::to_milliseconds(jobs_.stage().now() - begin) / 1000;
        const double slack_s = base::to_milliseconds(jobs_.slack()) / 1000;
        jobs_.script().add(
            {.what = "what is told of its memory meanwhile",
             .expected = fmt::format("is {:.0f} s old, give or take {:.0f}", hung_s, slack_s + 1),
             .happened = age_s ? fmt::format("is {:.1f} s old", *age_s) : "nothing",
             .is_met = age_s && *age_s >= hung_s - slack_s - 1 && *age_s <= hung_s + slack_s + 1});
        jobs_.script().add(
            {.what = "the slowest answer about devices",
             .expected = fmt::format("within {}", base::to_text(kAnswerLimit + jobs_.slack())),
             .happened = fmt::format("{:.0f} ms", base::to_milliseconds(slowest)),
             .is_met = slowest <= kAnswerLimit + jobs_.slack()});
        return see_told(begin);
    }

    Result<void> see_told(Duration begin) {
        const bool is_told =
            jobs_.stage().wait_until([this] { return jobs_.told_device().state == "unresponsive"; },
                                     kToldLimit + jobs_.slack());
        WL_TRY(jobs_.stage().check());
        jobs_.script().add({.what = "the device meanwhile",
                            .expected = fmt::format("unresponsive within {}",
                                                    base::to_text(kToldLimit + jobs_.slack())),
                            .happened = jobs_.told_device().state,
                            .is_met = is_told,
                            .after = jobs_.stage().now() - begin});
        return {};
    }

    // Processes of their own, that each wait for an answer.
    void see_calls() {
        const Duration begin = jobs_.stage().now();
        const auto told = jobs_.daemon().call(kCalls, kStepLimit);
        const auto answered = static_cast<std::size_t>(
            std::ranges::count_if(told, [](const Told& one) { return one.failure.empty(); }));
        jobs_.script().add({.what = "calls while it hangs",
                            .expected = count_text(kCalls),
                            .happened = count_text(answered),
                            .is_met = answered == kCalls,
                            .after = jobs_.stage().now() - begin});
    }

    JobScript jobs_;
};

}  // namespace

Result<Report> run_slow_driver(Stage& stage, const JobDrillArguments& arguments) {
    return SlowDriver{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
