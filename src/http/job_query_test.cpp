// Parameters of the paths of jobs.
#include "http/job_query.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
namespace http = windlass::http;
using http::JobState;

TEST_CASE("lists are filtered by what their parameters say") {
    CHECK(*http::read_job_query("") == http::JobQuery{});
    CHECK(*http::read_job_query(
              "state=failed,cancelled&model=a%20b&tenant=t&key=k&after=j9&limit=5") ==
          http::JobQuery{.filter = {.states = {JobState::failed, JobState::cancelled},
                                    .model = "a b",
                                    .tenant = "t",
                                    .key = "k"},
                         .after = "j9",
                         .limit = 5});
    CHECK(http::read_job_query("state=held&state=running,held")->filter.states ==
          std::vector{JobState::held, JobState::running});
    for (const char* bad : {"state=", "state=done", "state=failed,", "model=", "limit=0",
                            "limit=1001", "limit=x", "what=1", "all=1", "key=%zz"}) {
        CAPTURE(bad);
        const auto read = http::read_job_query(bad);
        REQUIRE_FALSE(read);
        CHECK(read.error().code == windlass::base::Errc::invalid_input);
        const std::string_view name = bad;
        CHECK(read.error().message.starts_with(name.substr(0, name.find('='))));
    }
}

TEST_CASE("an order for every job must be meant") {
    CHECK(http::read_job_filter("model=m")->model == "m");
    CHECK(*http::read_job_filter("all=1") == http::JobFilter{});
    CHECK(http::read_job_filter("all&state=held")->states.size() == 1);
    for (const char* refused : {"", "&", "all=0"}) {
        const auto read = http::read_job_filter(refused);
        REQUIRE_FALSE(read);
        CHECK(read.error().message.contains("all=1"));
    }
    CHECK_FALSE(http::read_job_filter("limit=5&model=m"));
    CHECK_FALSE(http::read_job_filter("all=yes"));
}

TEST_CASE("waits, details and nothing") {
    CHECK(*http::read_job_wait("") == 0s);
    CHECK(*http::read_job_wait("wait=1500ms") == 1500ms);
    CHECK(*http::read_job_wait("wait=1h") == 1h);
    for (const char* bad : {"wait", "wait=30", "wait=2h", "wiat=3s"}) {
        CHECK_FALSE(http::read_job_wait(bad));
    }
    CHECK_FALSE(http::read_queue_query("")->has_value());
    CHECK_FALSE(http::read_queue_query("detailed=0")->has_value());
    CHECK(*http::read_queue_query("detailed=true") == 24h);
    CHECK(*http::read_queue_query("since=7d&detailed") == 168h);
    CHECK_FALSE(http::read_queue_query("since=7d"));
    CHECK_FALSE(http::read_queue_query("detailed&since=0s"));
    CHECK_FALSE(http::read_queue_query("detail=1"));
    CHECK_FALSE(http::read_queue_query("detailed=2"));
    CHECK(http::refuse_parameters(""));
    CHECK_FALSE(http::refuse_parameters("force=1"));
}

TEST_CASE("every state has a name that finds it") {
    for (int i = 0; i < http::kJobStateCount; ++i) {
        const auto state = static_cast<JobState>(i);
        CHECK(http::find_job_state(http::to_text(state)) == state);
    }
    CHECK_FALSE(http::find_job_state("done"));
}
