// For tests: all that a store of jobs must do. Each is a test case of its own in the file that
// includes this.
#pragma once

#include "store/testing/job_contract_admin.h"
#include "store/testing/job_contract_along.h"
#include "store/testing/job_contract_attempts.h"
#include "store/testing/job_contract_fence.h"
#include "store/testing/job_contract_lists.h"
#include "store/testing/job_contract_order.h"
#include "store/testing/job_contract_queue.h"
#include "store/testing/job_contract_restart.h"
#include "store/testing/job_contract_statistics.h"

namespace windlass::store::testing {

inline void check_job_contract(const MakeJobs& make) {
    SUBCASE("submission") { check_submission(make); }
    SUBCASE("admission") { check_admission(make); }
    SUBCASE("claimed along") { check_claimed_submissions(make); }
    SUBCASE("not claimed along") { check_unclaimed_submissions(make); }
    SUBCASE("ids") { check_reserved_ids(make); }
    SUBCASE("schedule") { check_schedule(make); }
    SUBCASE("order") { check_order(make); }
    SUBCASE("places") { check_places(make); }
    SUBCASE("attempts") { check_attempts(make); }
    SUBCASE("ends") { check_ends(make); }
    SUBCASE("settings") { check_settings(make); }
    SUBCASE("fence") { check_fence(make); }
    SUBCASE("admin") { check_admin(make); }
    SUBCASE("lists") { check_lists(make); }
    SUBCASE("restart") { check_restart(make); }
    SUBCASE("counts") { check_counts(make); }
    SUBCASE("statistics") { check_statistics(make); }
}

}  // namespace windlass::store::testing
