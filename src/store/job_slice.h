// What happened to the jobs of a model within ten minutes, or a sum of such.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/job_record.h"
#include "store/time_sketch.h"

namespace windlass::store {

struct JobSlice {
    enum Count : std::uint8_t { succeeded, failed, cancelled, retries };
    std::array<std::uint64_t, 4> jobs{};      // indexed by Count
    std::array<std::uint64_t, 8> attempts{};  // indexed by AttemptEnd
    TimeSketch queue = {};
    TimeSketch load = {};
    TimeSketch run = {};

    void add(const AttemptRecord& attempt) {
        ++attempts[std::to_underlying(attempt.end)];
        queue.add(std::chrono::milliseconds{attempt.queue_ms});
        if (attempt.load) load.add(*attempt.load);
        if (attempt.run) run.add(*attempt.run);
    }
    void add(JobState state) {  // that a job ended in
        if (state == JobState::succeeded) ++jobs[succeeded];
        if (state == JobState::failed) ++jobs[failed];
        if (state == JobState::cancelled) ++jobs[cancelled];
    }
    void merge(const JobSlice& other) {
        for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i] += other.jobs[i];
        for (std::size_t i = 0; i < attempts.size(); ++i) attempts[i] += other.attempts[i];
        queue.merge(other.queue);
        load.merge(other.load);
        run.merge(other.run);
    }
    ModelStatistics statistics(std::string model) const {
        return {.model = std::move(model),
                .succeeded = jobs[succeeded],
                .failed = jobs[failed],
                .cancelled = jobs[cancelled],
                .attempts = attempts,
                .retries = jobs[retries],
                .queue = distribution(queue),
                .load = distribution(load),
                .run = distribution(run)};
    }

    friend bool operator==(const JobSlice&, const JobSlice&) = default;

  private:
    static Distribution distribution(const TimeSketch& sketch) {
        return {.count = sketch.count(),
                .mean_ms = sketch.mean_ms(),
                .p50_ms = sketch.quantile_ms(0.5),
                .p95_ms = sketch.quantile_ms(0.95)};
    }
};

// As JobStore::read_statistics() answers.
inline std::vector<ModelStatistics> statistics_of(const std::map<std::string, JobSlice>& by_model) {
    JobSlice together;
    for (const auto& [model, slice] : by_model) together.merge(slice);
    std::vector<ModelStatistics> all{together.statistics("")};
    for (const auto& [model, slice] : by_model) all.push_back(slice.statistics(model));
    return all;
}

}  // namespace windlass::store
