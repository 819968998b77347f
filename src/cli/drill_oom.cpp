// `windlass drill oom`: a job finds the device full of a model that nobody uses: room is made for
// it. A run runs out of memory: it is tried again.
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

// Beside steel the device has about 2 GiB: the drill says that it takes a context more, and an
// emulated device has a headroom and 1 GiB to spare. So copper is too large by its own context.
constexpr Bytes kEach = 2_GiB;
constexpr Bytes kGrowth = 512_MiB;

class Oom {
  public:
    Oom(Stage& stage, const JobDrillArguments& arguments) : jobs_(stage, "oom", arguments.slack) {}

    Result<Report> run() {
        WL_TRY(jobs_.open(copy_size(kEach) + context_guess(false),
                          {{.name = "steel", .size = kEach},
                           {.name = "copper", .size = kEach, .has_need = false}}));
        const Given idle = WL_TRY(jobs_.submit("steel", "idle busy 1"));
        WL_TRY(jobs_.see_done_once("a first model's job", {idle}));
        const auto loaded = lines_of(jobs_.log(), "began", idle.name);
        if (loaded.empty()) return jobs_.close();
        WL_TRY(see_room_made(loaded.front().pid));
        WL_TRY(see_tried_again());
        return jobs_.close();
    }

  private:
    // Nobody knows what copper needs, so that its load is tried in what is free, and fails.
    Result<void> see_room_made(int neighbour) {
        const Given job = WL_TRY(jobs_.submit("copper", "large busy 1"));
        WL_TRY(jobs_.see_done_once("a job that does not fit beside its idle copy", {job}));
        const std::size_t refusals = count_lines(jobs_.log(), "refused", "-");
        jobs_.script().add({.what = "loads that ran out of memory before",
                            .expected = "1",
                            .happened = count_text(refusals),
                            .is_met = refusals == 1});
        const Bytes left = jobs_.script().device().ledger_bytes(neighbour);
        jobs_.script().add({.what = "the idle copy, by the emulator's ledger",
                            .expected = "has made room",
                            .happened = fmt::format("{} left of it", base::to_text(left)),
                            .is_met = left < kEach});
        return see_attempts(job, 1, 0);
    }

    Result<void> see_tried_again() {
        const DrillDevice& device = jobs_.script().device();
        device.set_fault(emulator::Fault::out_of_memory, kGrowth.count());
        const Given job =
            WL_TRY(jobs_.submit("copper", fmt::format("grows grow {}B", kGrowth.count())));
        const auto refused = jobs_.wait_for_line("refused", job.name, kStepLimit / 2);
        device.set_fault(emulator::Fault::out_of_memory, 0);
        WL_TRY(jobs_.stage().check());
        jobs_.script().add({.what = "a run on a device that has nothing to give",
                            .expected = "runs out of memory",
                            .happened = refused ? "runs out of memory" : "does not",
                            .is_met = refused.has_value()});
        WL_TRY(jobs_.see_done_once("the same job, tried again", {job}));
        const std::size_t refusals = count_lines(jobs_.log(), "refused", job.name);
        return see_attempts(job, refusals + 1, refusals);
    }

    Result<void> see_attempts(const Given& job, std::size_t attempts, std::size_t failures) {
        const auto views = WL_TRY(jobs_.wait_until_over({job}, kStepLimit));
        const JobView& view = views.front();
        const std::size_t runs = count_lines(jobs_.log(), "began", job.name);
        jobs_.script().add({.what = "its attempts, and what is charged",
                            .expected = fmt::format("{}, {} failures", attempts, failures),
                            .happened = fmt::format("{}, {} failures", runs, view.failures),
                            .is_met = runs == attempts && view.attempts == attempts &&
                                      view.failures == failures && view.crashes == 0});
        return {};
    }

    JobScript jobs_;
};

}  // namespace

Result<Report> run_oom(Stage& stage, const JobDrillArguments& arguments) {
    return Oom{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
