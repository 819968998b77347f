// What is remembered of a job is what the file says of it, after each order.
#include "store/sqlite/recent_jobs.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/testing/scratch_directory.h"
#include "store/sqlite/job_admin.h"
#include "store/sqlite/job_life.h"
#include "store/sqlite/schema.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace store = windlass::store;
using namespace store::sqlite;
using base::Errc;
using store::AttemptId;
using store::JobId;

namespace {

class File {
  public:
    File() {
        auto opened = open_store(folder_.file("windlass.db"), 5s);
        REQUIRE(opened);
        file_ = std::move(*opened);
        REQUIRE(book_.opened(*file_));
        const auto start = begin_jobs(now());
        REQUIRE(start);
        attempt_ = start->answer->first_attempt;
    }

    JobTransaction now() { return {.file = *file_, .book = book_, .now_ms = time_ms_ += 10}; }
    RecentJobs& recent() { return book_.recent(); }
    AttemptId first_attempt() const { return attempt_; }

    JobId submit(const store::NewJob& job) {
        const auto made = submit_job(now(), job, 10'000);
        REQUIRE(made);
        REQUIRE(made->answer);
        return made->answer->job;
    }

    // As it is remembered, and as it is read.
    void compare(JobId job) {
        const auto row = find_row(now(), job).value_or(std::nullopt);
        const auto lease = find_lease(now(), job).value_or(std::nullopt);
        const std::string input = read_input(now(), job).value_or("?");
        recent().forget_all();
        CHECK(row.has_value());
        CHECK(row == find_row(now(), job).value_or(std::nullopt));
        CHECK(lease == find_lease(now(), job).value_or(std::nullopt));
        CHECK(input == read_input(now(), job).value_or("!"));
    }

  private:
    const base::testing::ScratchDirectory folder_;
    std::unique_ptr<Connection> file_;
    JobBook book_;
    AttemptId attempt_;
    std::int64_t time_ms_ = 1'000;
};

struct Step {
    const char* name;
    std::function<void(File&, JobId, AttemptId)> order;
};

const store::JobError kError{.code = Errc::internal, .message = "no", .cause = "ValueError"};

std::vector<Step> steps() {
    const auto settle = [](File& file, JobId job, AttemptId attempt, store::Outcome outcome) {
        const auto settled = settle_job(
            file.now(),
            {.job = job, .attempt = attempt, .outcome = std::move(outcome), .worker = "3 1 cpu"});
        REQUIRE(settled);
        REQUIRE(settled->answer);
    };
    return {
        {"submitted", [](File&, JobId, AttemptId) {}},
        {"held", [](File& f, JobId j, AttemptId) { REQUIRE(hold_job(f.now(), j)->answer); }},
        {"released", [](File& f, JobId j, AttemptId) { REQUIRE(release_job(f.now(), j)->answer); }},
        {"claimed",
         [](File& f, JobId j, AttemptId a) { REQUIRE(claim_job(f.now(), j, a)->answer); }},
        {"to be tried again",
         [settle](File& f, JobId j, AttemptId a) {
             settle(f, j, a, store::RetryAfter{.delay = 1h, .error = kError, .settings = "{}"});
         }},
        {"moved along with the clock",
         [](File& f, JobId, AttemptId) { REQUIRE(promote_jobs(f.now(), -2h)->answer); }},
        {"failed",
         [settle](File& f, JobId j, AttemptId a) {
             a.value += 1;
             REQUIRE(claim_job(f.now(), j, a)->answer);
             settle(f, j, a, store::Failed{.error = kError, .charge = store::Charge::crash});
         }},
        {"tried again by hand",
         [](File& f, JobId j, AttemptId) { REQUIRE(retry_job(f.now(), j)->answer); }},
        {"succeeded",
         [settle](File& f, JobId j, AttemptId a) {
             a.value += 2;
             REQUIRE(claim_job(f.now(), j, a)->answer);
             settle(f, j, a, store::Succeeded{.content_type = "text/plain", .body = "yes"});
         }},
    };
}

store::NewJob whole_job() {
    return {.model = "m",
            .variant = "large",
            .tenant = "lab",
            .priority = 3,
            .content_type = "application/json; charset=utf-8",
            .input = "{\"a\": 1}",
            .settings = "{\"size\": 4}",
            .key = "k",
            .request_hash = 77,
            .deadline_ms = 1'000'000'000,
            .run_timeout = 1'500us,
            .stall_timeout = 2s,
            .failures_max = 5,
            .crashes_max = 6};
}

}  // namespace

TEST_CASE("what is remembered of a job is what the file says") {
    const std::vector<Step> all = steps();
    for (std::size_t count = 1; count <= all.size(); ++count) {
        CAPTURE(all[count - 1].name);
        File file;
        const JobId job = file.submit(whole_job());
        for (std::size_t i = 0; i < count; ++i) all[i].order(file, job, file.first_attempt());
        file.compare(job);
    }
}

TEST_CASE("what changes the attempt of a job is no less in what is remembered") {
    File file;
    const JobId job = file.submit(whole_job());
    const AttemptId attempt = file.first_attempt();
    REQUIRE(claim_job(file.now(), job, attempt)->answer);
    SUBCASE("progress") {
        REQUIRE(keep_job_progress(file.now(), job, attempt, "{\"step\": 1}")->answer);
    }
    SUBCASE("settings") {
        REQUIRE(keep_job_settings(file.now(), job, attempt, "{\"size\": 1}")->answer);
    }
    SUBCASE("a stop") {
        REQUIRE(begin_stop_job(file.now(), job, attempt, store::StopCause::drain)->answer);
    }
    file.compare(job);
}

TEST_CASE("what a transaction that failed has written is forgotten") {
    File file;
    const JobId job = file.submit({.model = "m"});
    CHECK(file.recent().find(job) != nullptr);
    file.now().book.rolled_back();
    CHECK(file.recent().find(job) == nullptr);
}

TEST_CASE("so many are remembered, the oldest are forgotten, and long inputs at once") {
    File file;
    const JobId first = file.submit({.model = "m"});
    const JobId large = file.submit({.model = "m", .input = std::string(5'000, 'i')});
    REQUIRE(file.recent().find(large) != nullptr);
    CHECK_FALSE(file.recent().find(large)->input.has_value());
    CHECK(read_input(file.now(), large).value_or("").size() == 5'000);
    const JobId wordy =
        file.submit({.model = "m", .settings = '"' + std::string(5'000, 's') + '"'});
    CHECK(file.recent().find(wordy) == nullptr);
    for (int i = 0; i < 1'022; ++i) file.submit({.model = "m"});
    CHECK(file.recent().find(first) != nullptr);
    file.submit({.model = "m"});
    CHECK(file.recent().find(first) == nullptr);
    CHECK(file.recent().find(large) != nullptr);
}
