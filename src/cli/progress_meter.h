// How fast a job goes forward, and how long it will take, from what it says of its steps.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cli/job_json.h"

namespace windlass::cli {

class ProgressMeter {
  public:
    // What the job said; `now_s` by any clock that goes forward.
    void take(const JobView& job, double now_s);

    // Over the last steps. Empty while it is not known: before the second step that was seen, and
    // after each new attempt or phase.
    std::optional<double> steps_per_s() const;
    std::optional<double> left_s() const;

  private:
    struct Sample {
        double at_s;
        std::uint64_t step;
    };
    std::deque<Sample> samples_;
    std::uint64_t attempt_ = 0;
    std::string phase_;
    std::optional<std::uint64_t> total_;
    double now_s_ = 0;
};

// "denoise [########------------] 12/50 (24 %), 1.6 steps/s, 24 s left": what is known of it; empty
// when it said nothing.
std::string progress_text(const JobView& job, const ProgressMeter& meter);

}  // namespace windlass::cli
