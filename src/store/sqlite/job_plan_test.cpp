// What SQLite does for each order about a job: nothing that grows with their number.
#include <doctest/doctest.h>

#include "base/testing/scratch_directory.h"
#include "store/sqlite/job_admin.h"
#include "store/sqlite/job_life.h"
#include "store/sqlite/job_reading.h"
#include "store/sqlite/schema.h"

namespace base = windlass::base;
namespace store = windlass::store;
using store::sqlite::Connection;

namespace {

// The steps of all statements that the connection keeps.
std::vector<std::string> plans(Connection& file) {
    std::vector<std::string> steps;
    for (const std::string& sql : file.kept_texts()) {
        auto explained = file.prepare("EXPLAIN QUERY PLAN " + sql);
        REQUIRE(explained);
        while (true) {
            const auto has_row = explained->step();
            REQUIRE(has_row);
            if (!*has_row) break;
            steps.push_back(explained->text(3) + "   of   " + sql);
        }
    }
    return steps;
}

// Every order once, so that its statements are kept.
void do_all(Connection& file, store::sqlite::JobBook& book, std::int64_t now_ms) {
    using namespace store::sqlite;
    const JobTransaction now{.file = file, .book = book, .now_ms = now_ms};
    const auto start = begin_jobs(now);
    REQUIRE(start);
    store::AttemptId attempt = start->answer->first_attempt;
    const auto submit = [&](const store::NewJob& job) {
        const auto made = submit_job(now, job, 1'000);
        REQUIRE(made);
        return made->answer->job;
    };
    const store::JobId job = submit({.model = "m", .key = "k" + std::to_string(now_ms)});
    submit({.model = "m", .run_at_ms = now_ms + 1, .deadline_ms = now_ms + 2});
    REQUIRE(select_heads(now, {.model = "m"}));
    REQUIRE(counts_of(now));
    REQUIRE(promote_jobs(now, std::chrono::milliseconds{0}));
    book.recent().forget_all();  // so that it is read
    REQUIRE(claim_job(now, job, attempt));
    REQUIRE(keep_job_progress(now, job, attempt, "{}"));
    REQUIRE(begin_stop_job(now, job, attempt, store::StopCause::drain));
    REQUIRE(settle_job(now, {.job = job, .attempt = attempt, .outcome = store::Succeeded{}}));
    REQUIRE(select_job(now, job));
    REQUIRE(select_result(now, job));
    REQUIRE(select_statistics(now, 0));
    for (std::uint8_t state = 0; state < store::kJobStates; ++state) {
        JobReading reading{.query = {.filter = {.states = {store::JobState{state}}}}};
        REQUIRE(read_jobs_step(now, reading));
    }
    const store::JobId other = submit({.model = "m"});
    REQUIRE(hold_job(now, other));
    REQUIRE(release_job(now, other));
    REQUIRE(cancel_job(now, other));
    REQUIRE(retry_job(now, other));
    REQUIRE(cancel_job(now, other));
    REQUIRE(remove_job(now, other));
    REQUIRE(retain_jobs(now, {}));
    const store::JobId lost = submit({.model = "m"});
    ++attempt.value;
    REQUIRE(claim_job(now, lost, attempt));
    REQUIRE(begin_jobs(now));
    REQUIRE(book.flush(file));
    book.committed();
}

}  // namespace

TEST_CASE("no order about a job sorts, scans or builds an index, with statistics or without") {
    const base::testing::ScratchDirectory folder;
    auto opened = store::sqlite::open_store(folder.file("windlass.db"), std::chrono::seconds{5});
    REQUIRE(opened);
    Connection& file = **opened;
    store::sqlite::JobBook book;
    REQUIRE(book.opened(file));
    for (std::int64_t round = 1; round <= 2; ++round) {
        do_all(file, book, round * 1'000);
        const auto steps = plans(file);
        CHECK(steps.size() > 20);
        for (const std::string& step : steps) {
            CAPTURE(step);
            CHECK_FALSE(step.contains("TEMP B-TREE"));
            CHECK_FALSE(step.contains("AUTOMATIC"));
            // As few as daemons run at a time, one row, two, and an index that is read from its
            // end.
            const bool may_scan = step.starts_with("SCAN lease") || step.starts_with("SCAN life") ||
                                  step.starts_with("SCAN sqlite_sequence") ||
                                  step.starts_with("SCAN CONSTANT ROW") ||
                                  step.starts_with("SCAN job USING COVERING INDEX job_deadline");
            CHECK((may_scan || !step.starts_with("SCAN")));
        }
        REQUIRE(file.run("ANALYZE"));
    }
}
