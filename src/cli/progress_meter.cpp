// Rates of steps, and how they look.
#include "cli/progress_meter.h"

#include <fmt/core.h>

#include <algorithm>

#include "cli/body_text.h"
#include "cli/model_text.h"

namespace windlass::cli {
namespace {

constexpr double kWindowS = 60;  // older steps may have been of another speed
constexpr std::size_t kSamplesMin = 2;
constexpr std::uint64_t kBarSize = 20;

std::string rate_text(double steps_per_s) {
    if (steps_per_s >= 0.1) return fmt::format("{:.1f} steps/s", steps_per_s);
    return fmt::format("{} a step", rough_time(1 / steps_per_s));
}

}  // namespace

void ProgressMeter::take(const JobView& job, double now_s) {
    now_s_ = now_s;
    const bool is_other = job.attempts != attempt_ || job.phase != phase_ || job.total != total_ ||
                          (!samples_.empty() && job.step.value_or(0) < samples_.back().step);
    if (is_other || job.state != "running") samples_.clear();
    attempt_ = job.attempts;
    phase_ = job.phase;
    total_ = job.total;
    if (!job.step || job.state != "running") return;
    if (!samples_.empty() && *job.step == samples_.back().step) return;
    samples_.push_back({now_s - job.progress_age_s.value_or(0), *job.step});
    while (samples_.size() > kSamplesMin && samples_.front().at_s < now_s - kWindowS) {
        samples_.pop_front();
    }
}

std::optional<double> ProgressMeter::steps_per_s() const {
    if (samples_.size() < kSamplesMin) return std::nullopt;
    const double took = samples_.back().at_s - samples_.front().at_s;
    if (took <= 0) return std::nullopt;
    return static_cast<double>(samples_.back().step - samples_.front().step) / took;
}

std::optional<double> ProgressMeter::left_s() const {
    const auto rate = steps_per_s();
    if (!rate || !total_ || *total_ < samples_.back().step) return std::nullopt;
    const auto steps = static_cast<double>(*total_ - samples_.back().step);
    return std::max(0.0, steps / *rate - (now_s_ - samples_.back().at_s));
}

std::string progress_text(const JobView& job, const ProgressMeter& meter) {
    std::string text = one_line(job.phase);
    const auto add = [&text](std::string_view between, const std::string& more) {
        text += (text.empty() ? "" : std::string{between}) + more;
    };
    if (job.step && job.total && *job.total > 0) {
        const std::uint64_t step = std::min(*job.step, *job.total);
        // In floating point: the numbers are a model's, and may be any.
        const double share = static_cast<double>(step) / static_cast<double>(*job.total);
        const auto full = static_cast<std::size_t>(share * kBarSize);
        add(" ",
            fmt::format("[{}{}] {}/{} ({:.0f} %)", std::string(full, '#'),
                        std::string(kBarSize - full, '-'), *job.step, *job.total, share * 100));
    } else if (job.step) {
        add(" ", fmt::format("step {}", *job.step));
    }
    if (const auto rate = meter.steps_per_s()) add(", ", rate_text(*rate));
    if (const auto left = meter.left_s()) add(", ", rough_time(*left) + " left");
    return text;
}

}  // namespace windlass::cli
