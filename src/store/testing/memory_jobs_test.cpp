// Jobs in memory, under the contract of all.
#include "store/testing/memory_jobs.h"

#include <doctest/doctest.h>

#include "io/testing/run_until.h"
#include "store/testing/job_contract.h"
#include "store/testing/memory_job_store.h"

namespace store = windlass::store;
using store::testing::MemoryJobs;
using store::testing::MemoryJobStore;

TEST_CASE("jobs in memory keep the contract of jobs") {
    const auto jobs = std::make_shared<MemoryJobs>();
    store::testing::check_job_contract(
        [&jobs](windlass::io::Loop& loop, const std::string&, store::testing::WallClock clock) {
            return std::make_shared<MemoryJobStore>(loop, jobs, std::move(clock));
        });
}
