// The steps that drills share.
#include "cli/drill_script.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;

namespace {

constexpr Bytes kRemainder = 32_MiB;  // what a device may keep, as in [A0.3]

}  // namespace

Result<void> Script::choose_device(const DeviceWish& wish) {
    device_ = WL_TRY(DrillDevice::make(stage_, wish));
    report_.promise =
        fmt::format("takes up to {} of {}, for some seconds, {} at most", base::to_text(wish.most),
                    device_->description(), base::to_text(kDrillLimit));
    std::fputs(fmt::format("drill {}: {}\n", report_.drill, report_.promise).c_str(), stderr);
    observer_ = WL_TRY(Observer::make(stage_, device_->uuid(), device_->environment()));
    baseline_ = WL_TRY(observer_->wait_for_first(kStepLimit)).used;
    stage_.set_pulse([this] { look_around(); });
    return {};
}

void Script::look_around() {
    observer_->pump();
    ledger_peak_ = std::max(ledger_peak_, device_->ledger_used().value_or(Bytes{}));
}

void Script::end_phase(const std::string& name, Duration begin) {
    report_.phases.push_back({name, begin, stage_.now()});
}

Result<Look> Script::look() {
    auto next = observer_->wait_for_next(kLookLimit);
    WL_TRY(stage_.check());
    if (next) return std::move(*next);
    return base::fail(base::Errc::timeout,
                      "the driver does not tell any more what happens on the device" + unnamed());
}

std::string Script::unnamed() const {
    return observer_->trouble().empty() ? std::string{} : "; " + observer_->trouble();
}

Result<void> Script::see_memory_back(const std::string& what) {
    const Duration begin = stage_.now();
    const auto is_back = [](const Look& seen) { return seen.ours <= kRemainder; };
    const auto back = observer_->wait_for(is_back, kStepLimit);
    WL_TRY(stage_.check());
    add({.what = what,
         .expected = "at most " + base::to_text(kRemainder),
         .happened = base::to_text(back ? back->ours : observer_->looks().back().ours),
         .is_met = back.has_value(),
         .after = stage_.now() - begin});
    return {};
}

Result<void> Script::end_daemon(DrillDaemon& daemon) {
    const Duration begin = stage_.now();
    const bool is_in_order = daemon.end(kStepLimit);
    WL_TRY(stage_.check());
    add({.what = "daemon ends",
         .expected = "in order",
         .happened = is_in_order ? "in order" : "not in order",
         .is_met = is_in_order,
         .after = stage_.now() - begin});
    WL_TRY(see_memory_back("memory back after it"));
    see_ledger();
    return {};
}

// The emulator knows better than its driver.
void Script::see_ledger() {
    const auto used = device_->ledger_used();
    if (!used) return;
    add({.what = "in use at the end, by the emulator's ledger",
         .expected = base::to_text(baseline_),
         .happened = base::to_text(*used),
         .is_met = *used <= baseline_});
}

Report Script::take_report() {
    report_.looks = observer_->looks();
    return std::move(report_);
}

}  // namespace windlass::cli::drill
