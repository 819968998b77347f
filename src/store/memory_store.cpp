// Keeps peaks in a vector.
#include "store/memory_store.h"

#include <algorithm>
#include <utility>

#include "store/peak_range.h"

namespace windlass::store {

void MemoryStore::answer_later(std::move_only_function<void()> answer) {
    answers_->push_back(std::move(answer));
    loop_.post([answers = std::weak_ptr{answers_}] {
        const auto living = answers.lock();
        if (!living || living->empty()) return;
        auto next = std::move(living->front());
        living->pop_front();
        next();
    });
}

void MemoryStore::remember_peak(Peak peak, Done done) {
    base::Result<void> result = check_range(peak);
    if (result) {
        const NeedKey key = peak.key;
        peaks_.push_back(std::move(peak));
        if (std::ranges::count(peaks_, key, &Peak::key) > static_cast<std::ptrdiff_t>(kPeaksMax)) {
            peaks_.erase(std::ranges::find(peaks_, key, &Peak::key));
        }
    }
    answer_later([done = std::move(done), result = std::move(result)]() mutable {
        done(std::move(result));
    });
}

void MemoryStore::forget_peaks(NeedKey key, Done done) {
    std::erase_if(peaks_, [&key](const Peak& peak) { return peak.key == key; });
    answer_later([done = std::move(done)]() mutable { done({}); });
}

void MemoryStore::read_peaks(PeaksRead done) {
    answer_later([done = std::move(done), peaks = peaks_]() mutable { done(std::move(peaks)); });
}

bool MemoryStore::settle(base::Duration) {
    for (const auto answers = answers_; !answers->empty();) {
        auto next = std::move(answers->front());
        answers->pop_front();
        next();
    }
    return true;
}

}  // namespace windlass::store
