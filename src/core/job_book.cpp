// Walks over the jobs that are held, and the pause after a charge.
#include "core/job_book.h"

#include <algorithm>

namespace windlass::core {
namespace {

// The last step of SplitMix64: neighbours give values that have nothing in common.
std::uint64_t scatter(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

}  // namespace

base::Duration retry_delay(const ModelSpec& spec, const Job& job, std::uint32_t charges) {
    base::Duration delay = spec.job_backoff;
    for (std::uint32_t n = 1; n < charges && delay < spec.job_backoff_max; ++n) delay *= 2;
    delay = std::min(delay, spec.job_backoff_max);
    const std::uint64_t drawn = scatter(scatter(job.head.job.value) ^ job.attempt) % 401;
    const auto permille = static_cast<std::int64_t>(800 + drawn);
    return std::min(delay / 1000 * permille, spec.job_backoff_max);
}

void JobBook::encode(StateEncoder& encoder) const {
    encoder.number((next_attempt > 0 ? 1u : 0u) | (is_paused ? 2u : 0u));
    encoder.number(store_backoff.failure_count());
    encoder.number(jobs.size());
    for (const auto& [request, job] : jobs) {
        encoder.request(request);
        encoder.number(job.head.job.value);
        encoder.number(job.head.rank);
        encoder.number(job.head.failures);
        encoder.number(job.head.crashes);
        encoder.number((job.attempt > 0 ? 1u : 0u) | (job.has_begun ? 2u : 0u) |
                       (job.is_overdue ? 4u : 0u) | (job.is_uncharged ? 8u : 0u) |
                       (job.verdict ? 16u << static_cast<unsigned>(*job.verdict) : 0u) |
                       (overdue_claims.contains(request) ? 256u : 0u));
        encoder.number(job.load_error ? static_cast<std::uint64_t>(job.load_error->code) + 1 : 0);
        encoder.number(job.generation ? 1 : 0);
        if (job.generation) encoder.generation(job.generation);
    }
    encoder.number(settling.size());
    for (const auto& [job, settled] : settling) {
        encoder.number(job.value << 1 | (settled.is_ready_again ? 1u : 0u));
    }
}

}  // namespace windlass::core
