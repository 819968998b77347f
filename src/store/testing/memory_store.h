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

    void append_events(std::vector<base::EventRecord> events, EventRetention retention,
                       EventsKept done) override {
        for (base::EventRecord& event : events) {
            event.number = ++last_number_;
            events_.push_back(event);
        }
        std::erase_if(events_, [&](const base::EventRecord& event) {
            return event.number + retention.count_max <= last_number_ ||
                   event.time_ms < retention.oldest_ms;
        });
        answer_later([done = std::move(done), events = std::move(events)]() mutable {
            done(std::move(events));
        });
    }

    void read_events(base::EventQuery query, EventsRead done) override {
        answer_later(
            [done = std::move(done), page = page_of(query)]() mutable { done(std::move(page)); });
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

    base::EventPage page_of(const base::EventQuery& query) const {
        base::EventPage page{.events = {},
                             .first = events_.empty() ? 0 : events_.front().number,
                             .last = last_number_};
        for (const base::EventRecord& event : events_) {
            if (event.number > query.after.value_or(0) && query.filter.admits(event)) {
                page.events.push_back(event);
            }
        }
        if (page.events.size() <= query.limit) return page;
        const auto limit = static_cast<std::ptrdiff_t>(query.limit);
        if (!query.after && !query.filter.since_ms) {
            page.events.erase(page.events.begin(), page.events.end() - limit);
        } else {
            page.events.erase(page.events.begin() + limit, page.events.end());
            page.next = page.events.back().number;
        }
        return page;
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
    std::vector<base::EventRecord> events_;
    std::uint64_t last_number_ = 0;
    // Not given out yet; the loop may still want to when we are gone.
    std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
};

}  // namespace windlass::store::testing
