// The oldest makes room for the latest.
#include "store/sqlite/recent_jobs.h"

#include <utility>

namespace windlass::store::sqlite {
namespace {

std::size_t text_size(const JobRecord& job) {
    std::size_t size = job.settings.size() + job.progress.size();
    if (job.error)
        size += job.error->message.size() + job.error->cause.size() + job.error->traceback.size();
    return size;
}

}  // namespace

RecentJob* RecentJobs::find(JobId job) {
    const auto found = jobs_.find(job.value);
    return found == jobs_.end() ? nullptr : &found->second;
}

std::optional<RecentJob> RecentJobs::take(JobId job) {
    auto found = jobs_.extract(job.value);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
}

void RecentJobs::keep(RecentJob job) {
    const std::uint64_t id = job.row.id().value;
    if (text_size(job.row.record) > kTextsMax) return forget(job.row.id());
    jobs_.insert_or_assign(id, std::move(job));
    order_.push_back(id);
    if (order_.size() <= kCountMax) return;
    // If it came again since, it goes too early: it is read then.
    jobs_.erase(order_.front());
    order_.pop_front();
}

void RecentJobs::forget_all() {
    jobs_.clear();
    order_.clear();
}

}  // namespace windlass::store::sqlite
