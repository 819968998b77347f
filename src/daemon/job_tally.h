// What became of jobs since the daemon began, model by model, for the metrics. Thread: main.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/command.h"

namespace windlass::daemon {

std::string_view to_text(core::JobEnd end);         // "retried"; of one that is dead "failed"
std::string_view to_text(core::DeadReason reason);  // "crashes"; of one that is not dead ""

struct JobTotals {
    std::uint64_t accepted = 0;
    std::map<std::string_view, std::uint64_t> attempts = {};  // by their ends
    std::map<std::string_view, std::uint64_t> stalls = {};    // by the ends of such attempts
    std::map<std::string_view, std::uint64_t> failed = {};    // jobs, by the reason
    std::uint64_t recovered = 0;  // jobs that succeeded after an attempt that had not
};

class JobTally {
  public:
    // What is known of an attempt besides how it was settled.
    struct Past {
        bool is_stalled = false;   // it was ended for that
        bool was_charged = false;  // an attempt before it
    };

    void accepted(const std::string& model) { ++models_[model].accepted; }
    void ended(const std::string& model, const core::SettleJob& settlement, Past past);
    // Its deadline passed while it waited.
    void expired(const std::string& model);

    const std::map<std::string, JobTotals>& models() const { return models_; }

  private:
    std::map<std::string, JobTotals> models_;
};

}  // namespace windlass::daemon
