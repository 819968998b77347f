// What happens to jobs, for log and events. All trouble is told, job by job. Of those that meet
// none so much is told that nobody is held up by it: each as long as they are few, and when there
// are many how many there were. Thread: main.
#pragma once

#include <cstdint>
#include <string>

#include "core/command.h"
#include "io/loop.h"
#include "io/timer.h"
#include "store/job.h"

namespace windlass::daemon {

class JobChronicle {
  public:
    explicit JobChronicle(io::Loop& loop);

    void accepted(store::JobId job, const std::string& model, store::JobState state);
    void started(store::JobId job, const std::string& model, const core::ClaimJob& claim);
    void stopping(const core::StopJob& stop, const std::string& model);
    // The store has it. `pid`: of the process that it was given to; 0: none.
    void ended(const core::SettleJob& settlement, const std::string& model, int pid);
    void expired(store::JobId job, const std::string& model);

  private:
    bool may_tell(std::uint64_t& untold);
    void tell_untold();

    static constexpr int kToldMax = 200;  // a second

    int told_ = 0;                // in this second
    std::uint64_t accepted_ = 0;  // and not told, as the next two
    std::uint64_t started_ = 0;
    std::uint64_t succeeded_ = 0;
    bool is_counting_ = false;
    io::Timer second_;
};

}  // namespace windlass::daemon
