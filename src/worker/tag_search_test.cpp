// The search for what workers left, when it hangs, and what comes of it.
#include "worker/tag_search.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>

#include "base/testing/scratch_directory.h"
#include "io/loop.h"
#include "io/testing/run_until.h"
#include "io/timer.h"
#include "worker/testing/bench.h"
#include "worker/testing/no_children.h"

namespace base = windlass::base;
namespace io = windlass::io;
namespace worker = windlass::worker;
using io::testing::run_until;
using worker::testing::Bench;
using namespace std::chrono_literals;

namespace {

// fake_search.py under the name of its mode.
struct FakeSearch {
    explicit FakeSearch(const std::string& mode) : program(scratch.path + "/" + mode) {
        std::filesystem::create_symlink(WL_TEST_FAKE_SEARCH, program);
    }

    worker::HuntOutcome outcome(base::Duration limit) {
        io::Loop loop;
        std::optional<worker::HuntOutcome> over;
        worker::TagSearch search{loop,
                                 {.executable = program,
                                  .tag = worker::tag_of(worker::testing::unique_id(), 1),
                                  .limit = limit},
                                 [&](const worker::HuntOutcome& outcome) { over = outcome; }};
        search.start();
        REQUIRE(run_until(loop, [&] { return over.has_value(); }));
        return *over;
    }

    const base::testing::ScratchDirectory scratch;
    std::string program;
};

}  // namespace

TEST_CASE("a search that never answers ends at its limit, and says so") {
    const worker::HuntOutcome outcome = FakeSearch{"silent"}.outcome(200ms);
    CHECK_FALSE(outcome.is_everything_gone);
    CHECK(outcome.failure.contains("200ms"));
}

TEST_CASE("a process that cannot be looked at is skipped, and the search goes on behind it") {
    const worker::HuntOutcome outcome = FakeSearch{"stuck"}.outcome(30s);
    CHECK(outcome.process_count == 2);  // 71 before the first hang and 72 behind the second
    CHECK_FALSE(outcome.is_everything_gone);
    CHECK(outcome.failure.contains("81, 82"));
}

TEST_CASE("a search that crashes or cannot be started is tried again until its limit") {
    const worker::HuntOutcome crashed = FakeSearch{"crashing"}.outcome(3s);
    CHECK_FALSE(crashed.is_everything_gone);
    CHECK(crashed.failure.contains("SIGABRT"));
    FakeSearch missing{"missing"};
    missing.program += "/nowhere";
    CHECK(missing.outcome(100ms).failure.contains("starting"));
}

TEST_CASE("a search that is over and is kept does nothing more") {
    const auto check = [](const std::string& mode) {
        const FakeSearch fake{mode};
        io::Loop loop;
        int over_count = 0;
        worker::TagSearch search{loop,
                                 {.executable = fake.program, .tag = "A=", .limit = 200ms},
                                 [&](const worker::HuntOutcome&) { ++over_count; }};
        search.start();
        bool has_passed = false;  // the time at which each of its timers would have come
        io::Timer later{loop, [&] { has_passed = true; }};
        later.start(200ms + 2 * worker::TagSearch::kLookLimit);
        REQUIRE(run_until(loop, [&] { return has_passed; }));
        CHECK(over_count == 1);
    };
    check("stuck");     // given up while it looks at a process
    check("finished");  // done before its limit
    check("crashing");  // given up while it waits for the next try
}

TEST_CASE("a hanging search holds up neither the end of its worker nor other workers") {
    FakeSearch silent{"silent"};
    Bench bench{"", silent.program};
    const std::uint64_t other = bench.launch_loaded();
    const std::uint64_t generation = bench.launch_fake("ignore_term");
    bench.wait<worker::Hello>(generation);
    bench.supervisor.kill(generation);
    bench.run(other, 7, "test/echo", "hello");
    CHECK(bench.wait<worker::Answered>(other).body == "hello");
    CHECK(bench.count<worker::Exited>(generation) == 0);  // the search still has time
    const worker::Exited exited = bench.wait<worker::Exited>(generation);
    CHECK_FALSE(exited.is_everything_gone);
    CHECK(exited.search_failure.contains("did not come to its end within 2s"));
}

TEST_CASE("a search that is given up leaves no process") {
    FakeSearch silent{"silent"};
    io::Loop loop;
    bool is_over = false;
    {
        worker::TagSearch search{loop,
                                 {.executable = silent.program, .tag = "A=", .limit = 100ms},
                                 [&](const worker::HuntOutcome&) { is_over = true; }};
        search.start();
        REQUIRE(run_until(loop, [&] { return is_over; }));
    }
    CHECK(worker::testing::has_no_children_soon(loop));  // it was killed, but nobody waited for it
}
