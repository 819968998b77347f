// A store that outlives nothing: for tests, held to the same contract as the others.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "io/loop.h"
#include "store/store.h"

namespace windlass::store {

class MemoryStore final : public Store {
  public:
    // `loop` outlives it.
    explicit MemoryStore(io::Loop& loop) : loop_(loop) {}

    void remember_peak(Peak peak, Done done) override;
    void forget_peaks(NeedKey key, Done done) override;
    void read_peaks(PeaksRead done) override;
    bool settle(base::Duration limit) override;

  private:
    using Answers = std::deque<std::move_only_function<void()>>;

    void answer_later(std::move_only_function<void()> answer);

    io::Loop& loop_;
    std::vector<Peak> peaks_;
    // Not given out yet; the loop may still want to when we are gone.
    std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
};

}  // namespace windlass::store
