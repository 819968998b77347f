// Found by their numbers, and by their jobs.
#include "daemon/job_waits.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace windlass::daemon {

std::uint64_t JobWaits::add(store::JobId job, base::Duration limit, http::JobShown reply) {
    const std::uint64_t number = ++last_wait_;
    Wait& wait = waits_[number];
    wait = {.job = job,
            .reply = std::move(reply),
            .limit = std::make_unique<io::Timer>(loop_, [this, number] { end(number); })};
    waits_of_.emplace(job, number);
    wait.limit->start(limit);
    return number;
}

void JobWaits::look(std::uint64_t number) {
    const auto wait = waits_.find(number);
    if (wait == waits_.end()) return;
    look_(wait->second.job, [this, number](base::Result<http::JobStatus> shown) {
        if (shown && !http::is_over(shown->state)) return;
        if (auto reply = take(number)) reply(std::move(shown));
    });
}

void JobWaits::end(std::uint64_t number) {
    const auto wait = waits_.find(number);
    if (wait == waits_.end()) return;
    const store::JobId job = wait->second.job;
    if (auto reply = take(number)) look_(job, std::move(reply));
}

http::JobShown JobWaits::take(std::uint64_t number) {
    auto wait = waits_.extract(number);
    if (wait.empty()) return {};
    const auto [first, last] = waits_of_.equal_range(wait.mapped().job);
    waits_of_.erase(std::find_if(first, last, [&](const auto& e) { return e.second == number; }));
    return std::move(wait.mapped().reply);
}

std::vector<std::uint64_t> JobWaits::numbers_of(store::JobId job) const {
    std::vector<std::uint64_t> numbers;
    const auto [first, last] = waits_of_.equal_range(job);
    for (auto each = first; each != last; ++each) numbers.push_back(each->second);
    return numbers;
}

void JobWaits::look_again(store::JobId job) {
    for (const std::uint64_t number : numbers_of(job)) look(number);
}

void JobWaits::tell(store::JobId job, const http::JobStatus& end) {
    for (const std::uint64_t number : numbers_of(job)) {
        if (auto reply = take(number)) reply(end);
    }
}

void JobWaits::look_again_all() {
    std::vector<std::uint64_t> numbers;
    numbers.reserve(waits_.size());
    for (const auto& [number, wait] : waits_) numbers.push_back(number);
    for (const std::uint64_t number : numbers) look(number);
}

void JobWaits::end_all(const base::Error& error) {
    waits_of_.clear();
    for (auto& [number, wait] : std::exchange(waits_, {})) wait.reply(error);
}

}  // namespace windlass::daemon
