// Who waits for the end of a job, each until a time of its own. Thread: main.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "http/job_backend.h"
#include "io/loop.h"
#include "io/timer.h"
#include "store/job.h"

namespace windlass::daemon {

class JobWaits {
  public:
    using Look = std::function<void(store::JobId, http::JobShown)>;  // in the store

    JobWaits(io::Loop& loop, Look look) : loop_(loop), look_(std::move(look)) {}

    // Answered when the job is told to be over; when somebody looks and it is, or cannot be looked
    // at; and after `limit`, as it is then.
    std::uint64_t add(store::JobId job, base::Duration limit, http::JobShown reply);
    void withdraw(std::uint64_t wait) { take(wait); }
    void look(std::uint64_t wait);

    bool has(store::JobId job) const { return waits_of_.contains(job); }
    void tell(store::JobId job, const http::JobStatus& end);
    void look_again(store::JobId job);  // it is over, perhaps
    void look_again_all();
    void end_all(const base::Error& error);

  private:
    struct Wait {
        store::JobId job;
        http::JobShown reply;
        std::unique_ptr<io::Timer> limit;
    };
    void end(std::uint64_t wait);
    std::vector<std::uint64_t> numbers_of(store::JobId job) const;
    http::JobShown take(std::uint64_t wait);  // empty: it is over

    io::Loop& loop_;
    const Look look_;
    std::map<std::uint64_t, Wait> waits_;
    std::multimap<store::JobId, std::uint64_t> waits_of_;
    std::uint64_t last_wait_ = 0;
};

}  // namespace windlass::daemon
