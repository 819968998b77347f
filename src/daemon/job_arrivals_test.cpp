// Submissions are held for the one claim that takes them, and counted until they are answered.
#include "daemon/job_arrivals.h"

#include <doctest/doctest.h>

namespace windlass::daemon {
namespace {

JobArrival arrival(std::uint64_t job, std::string input = {}) {
    return {.model = core::ModelId{1},
            .job = {.model = "m", .input = std::move(input), .id = {job}},
            .queue_limit = 5,
            .reply = {}};
}

}  // namespace

TEST_CASE("a submission is taken once, by its claim or at the end of the turn") {
    JobArrivals arrivals;
    CHECK_FALSE(arrivals.is_holding());
    arrivals.hold(arrival(1, "one"));
    CHECK(arrivals.is_holding());
    arrivals.hold(arrival(2, "two"));
    arrivals.hold(arrival(3, "three"));
    const auto claimed = arrivals.take({2});
    CHECK((claimed ? claimed->job.input : "none") == "two");
    CHECK_FALSE(arrivals.take({2}).has_value());
    const auto rest = arrivals.take_all();
    REQUIRE(rest.size() == 2);
    CHECK(rest[0].job.input == "one");
    CHECK(rest[1].job.input == "three");
    CHECK(arrivals.take_all().empty());
}

TEST_CASE("a model has open submissions until the last of them is answered") {
    JobArrivals arrivals;
    const core::ModelId first{1};
    const core::ModelId second{2};
    JobArrival one = arrival(1);
    JobArrival two = arrival(2);
    for (JobArrival* const each : {&one, &two, &two}) arrivals.begin(*each);
    CHECK(arrivals.has_open(first));
    CHECK_FALSE(arrivals.has_open(second));
    arrivals.end(first);
    CHECK(arrivals.has_open(first));
    arrivals.end(first);
    CHECK_FALSE(arrivals.has_open(first));
}

}  // namespace windlass::daemon
