// `windlass drill idle`: a model that nobody asks for leaves the device, comes back for a call, and
// ends; each at its time.
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "cli/drill_script.h"
#include "cli/drill_scripts.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;

namespace {

// The driver gives out memory in units of 2 MiB.
constexpr Bytes kIdleRounding = 2_MiB;
// How much longer than it may take something is waited for, to say when it happened after all.
constexpr std::chrono::seconds kPatience{5};

std::string in_seconds(Duration duration) {
    return fmt::format("{:.2f} s", base::to_milliseconds(duration) / 1000);
}

class Idle {
  public:
    Idle(Stage& stage, const IdleArguments& arguments)
        : script_(stage, "idle"), stage_(stage), arguments_(arguments) {}

    Result<Report> run() {
        const Bytes most = arguments_.model_size + context_guess(arguments_.is_real);
        WL_TRY(script_.choose_device({.is_real = arguments_.is_real, .most = most}));
        const Duration begin = stage_.now();
        daemon_ = WL_TRY(DrillDaemon::make(
            stage_, script_.device(),
            {.model_size = arguments_.model_size,
             .is_real = arguments_.is_real,
             .port = arguments_.port,
             .idle_keys = fmt::format("offload_after = \"{}\"\nunload_after = \"{}\"\n",
                                      base::to_text(arguments_.offload),
                                      base::to_text(arguments_.unload))}));
        WL_TRY(call("the first call loads"));
        if (pid_ != 0) WL_TRY(follow());
        WL_TRY(script_.end_daemon(*daemon_));
        script_.end_phase("in all", begin);
        return script_.take_report();
    }

  private:
    Result<void> follow() {
        WL_TRY(see_leave());
        WL_TRY(call("the next call brings them back"));
        return see_end();
    }

    // After it the weights are on the device, in the process that was there before.
    Result<void> call(const std::string& what) {
        called_ = stage_.now();
        const std::vector<Told> told = daemon_->call(1, kStepLimit);
        answered_ = stage_.now();
        const Look look = WL_TRY(script_.look());
        const auto copies = copies_of(look, {daemon_->pid()}, arguments_.model_size);
        const bool is_one = told.front().failure.empty() && copies.size() == 1 &&
                            copies.front().pid == told.front().pid;
        const bool is_same = pid_ == 0 || (is_one && copies.front().pid == pid_);
        std::string happened = told.front().failure;
        if (is_one) {
            happened = fmt::format("{} in process {}", base::to_text(copies.front().bytes),
                                   copies.front().pid);
        } else if (happened.empty()) {
            happened = fmt::format("{} copies", copies.size()) + script_.unnamed();
        }
        script_.add({.what = what,
                     .expected = pid_ == 0 ? fmt::format("{} and a context, in one process",
                                                         base::to_text(arguments_.model_size))
                                           : fmt::format("the same in process {}", pid_),
                     .happened = std::move(happened),
                     .is_met = is_one && is_same,
                     .after = answered_ - called_});
        if (is_one) {
            pid_ = copies.front().pid;
            loaded_ = copies.front().bytes;
        }
        return {};
    }

    // When it happened, of something that is due `pause` after the model became idle. That was
    // between call and answer.
    void judge(const std::string& what, Duration pause, std::optional<Duration> at,
               const std::string& then) {
        const Duration latest = pause + arguments_.slack;
        const bool is_early = at && *at < called_ + pause;
        const bool is_late = !at || *at > answered_ + latest;
        script_.add(
            {.what = what,
             .expected =
                 fmt::format("{} to {} after the call", in_seconds(pause), in_seconds(latest)),
             .happened = at ? fmt::format("{} after it, {}", in_seconds(*at - answered_), then)
                            : "not seen; " + then,
             .is_met = !is_early && !is_late,
             .after = at ? std::optional{*at - answered_} : std::nullopt});
    }

    // The process lives on with its context alone.
    Result<void> see_leave() {
        const Bytes context = loaded_ - std::min(loaded_, arguments_.model_size);
        const auto has_left = [&](const Look& seen) {
            const std::optional<Bytes> bytes = held(seen);
            return bytes && *bytes <= context + kIdleRounding;
        };
        const auto look = script_.observer().wait_for(
            has_left, arguments_.offload + arguments_.slack + kPatience);
        WL_TRY(stage_.check());
        const Look last = look ? *look : script_.observer().looks().back();
        const Bytes left = held(last).value_or(Bytes{0});
        const bool is_alive = daemon_->workers().contains(pid_);
        judge("weights leave the device", arguments_.offload,
              look ? std::optional{look->at} : std::nullopt,
              fmt::format("{} left", base::to_text(left)));
        script_.add({.what = "its process meanwhile",
                     .expected = "lives",
                     .happened = is_alive ? "lives" : "is gone",
                     .is_met = is_alive});
        return {};
    }

    // By the process table; and by the driver, which lists it no more.
    Result<void> see_end() {
        const auto is_gone = [this](const Look& seen) {
            return !held(seen) && !daemon_->workers().contains(pid_);
        };
        const auto look =
            script_.observer().wait_for(is_gone, arguments_.unload + arguments_.slack + kPatience);
        WL_TRY(stage_.check());
        judge("its process ends", arguments_.unload, look ? std::optional{look->at} : std::nullopt,
              look ? "neither process nor memory left" : "it lives, or holds memory");
        return script_.see_memory_back("memory back after it");
    }

    // What the worker has on the device; none: it is not listed there.
    std::optional<Bytes> held(const Look& look) const {
        const auto found = std::ranges::find(look.holdings, pid_, &Holding::pid);
        if (found == look.holdings.end()) return std::nullopt;
        return found->bytes;
    }

    Script script_;
    Stage& stage_;
    const IdleArguments& arguments_;
    std::unique_ptr<DrillDaemon> daemon_;
    Duration called_{};  // the last call, and its answer
    Duration answered_{};
    int pid_ = 0;   // of the worker, once there is one
    Bytes loaded_;  // what that had with the weights on the device
};

}  // namespace

Result<Report> run_idle(Stage& stage, const IdleArguments& arguments) {
    return Idle{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
