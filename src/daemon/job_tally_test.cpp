// What is counted of jobs.
#include "daemon/job_tally.h"

#include <doctest/doctest.h>

namespace core = windlass::core;
using windlass::daemon::JobTally;
using windlass::daemon::JobTotals;

TEST_CASE("[R114] each stall is counted once, as what it ended as, and so is each attempt") {
    JobTally tally;
    tally.accepted("m");
    tally.ended("m", {.end = core::JobEnd::retried}, {.is_stalled = true});
    tally.ended("m", {.end = core::JobEnd::dead, .reason = core::DeadReason::crash_budget},
                {.is_stalled = true, .was_charged = true});
    tally.ended("m", {.end = core::JobEnd::succeeded}, {.was_charged = true});
    tally.ended("m", {.end = core::JobEnd::succeeded}, {});
    tally.expired("m");
    const JobTotals& totals = tally.models().at("m");
    CHECK(totals.accepted == 1);
    CHECK(totals.attempts.at("retried") == 1);
    CHECK(totals.attempts.at("failed") == 1);
    CHECK(totals.attempts.at("succeeded") == 2);
    CHECK(totals.stalls.at("retried") == 1);
    CHECK(totals.stalls.at("failed") == 1);
    CHECK_FALSE(totals.stalls.contains("succeeded"));
    CHECK(totals.failed.at("crashes") == 1);
    CHECK(totals.failed.at("deadline") == 1);
    CHECK(totals.recovered == 1);
}
