// A store that outlives nothing: for tests, held to the same contract as the others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "io/loop.h"
#include "store/peak_range.h"
#include "store/store.h"

namespace windlass::store::testing {

class MemoryStore final : public Store {
  public:
    // `loop` outlives it.
    explicit MemoryStore(io::Loop& loop) : loop_(loop) {}

    void remember_peak(Peak peak, Done done) override {
        base::Result<void> result = check_range(peak);
        if (result) keep(std::move(peak));
        answer_later([done = std::move(done), result = std::move(result)]() mutable {
            done(std::move(result));
        });
    }

    void forget_peaks(NeedKey key, Done done) override {
        std::erase_if(peaks_, [&key](const Peak& peak) { return peak.key == key; });
        answer_later([done = std::move(done)]() mutable { done({}); });
    }

    void read_peaks(PeaksRead done) override {
        answer_later(
            [done = std::move(done), peaks = peaks_]() mutable { done(std::move(peaks)); });
    }

    bool settle(base::Duration) override {
        while (!answers_->empty()) give_out_one(*answers_);
        return true;
    }

    bool finish(base::Duration limit) override { return settle(limit); }

  private:
    using Answers = std::deque<std::move_only_function<void()>>;

    void keep(Peak peak) {
        const NeedKey key = peak.key;
        peaks_.push_back(std::move(peak));
        if (std::ranges::count(peaks_, key, &Peak::key) > static_cast<std::ptrdiff_t>(kPeaksMax)) {
            peaks_.erase(std::ranges::find(peaks_, key, &Peak::key));
        }
    }

    void answer_later(std::move_only_function<void()> answer) {
        answers_->push_back(std::move(answer));
        loop_.post([answers = std::weak_ptr{answers_}] {
            const auto living = answers.lock();
            if (living && !living->empty()) give_out_one(*living);
        });
    }

    static void give_out_one(Answers& answers) {
        auto next = std::move(answers.front());
        answers.pop_front();
        next();
    }

    io::Loop& loop_;
    std::vector<Peak> peaks_;
    // Not given out yet; the loop may still want to when we are gone.
    std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
};

}  // namespace windlass::store::testing
