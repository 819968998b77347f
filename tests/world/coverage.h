// How often each transition, refusal, fault and wait reason was seen. What a simulation never meets
// it has not tested.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.h"

namespace windlass::world {

class Coverage {
  public:
    Coverage();  // knows every transition and wait reason, each at 0
    Coverage(const Coverage&) = delete;
    Coverage& operator=(const Coverage&) = delete;
    ~Coverage() = default;

    void expect(const std::string& name) { counts_.try_emplace(name, 0); }
    // What takes three things of bad luck in a row.
    void expect_rarely(const std::string& name) {
        expect(name);
        rare_.insert(name);
    }
    // Stays where it is, so that what is counted often is looked up once.
    using Counter = std::uint64_t*;
    Counter counter(const std::string& name) { return &counts_[name]; }
    void count(const std::string& name) { ++counts_[name]; }
    void count(const core::Commands& commands);
    void count_waits(const core::Engine& engine, core::ModelId model);
    void forget_models() { residency_.clear(); }  // a new world begins

    const std::map<std::string, std::uint64_t>& counts() const { return counts_; }
    std::vector<std::string> below(std::uint64_t minimum, std::uint64_t minimum_of_rare) const;
    std::string to_text() const;

  private:
    void count_event(core::EventCode code);
    void count_move(const core::Report& report, core::Residency to);

    std::map<std::string, std::uint64_t> counts_;
    std::array<Counter, core::kWaitReasonCount> waits_{};
    std::vector<Counter> events_;  // by code, once it was seen
    Counter answers_ = nullptr;    // likewise
    std::set<std::string> rare_;
    std::map<std::pair<core::ModelId, core::Generation>, core::Residency> residency_;
};

}  // namespace windlass::world
