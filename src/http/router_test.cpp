// Targets into segments, segments into routes.
#include "http/router.h"

#include <doctest/doctest.h>

namespace http = windlass::http;
using http::Route;

namespace {

http::Target parsed(std::string_view target) {
    const auto read = http::parse_target(target);
    CHECK(read.has_value());
    return read.value_or(http::Target{});
}

std::vector<std::string> segments(std::string_view target) { return parsed(target).segments; }

int status_of(std::string_view method, std::string_view target) {
    const auto match = http::find_route(method, parsed(target));
    return match ? 200 : match.error().status;
}

}  // namespace

TEST_CASE("paths are cut at slashes and decoded, queries are ignored") {
    using Segments = std::vector<std::string>;
    CHECK(segments("/") == Segments{});
    CHECK(segments("/a/b") == Segments{"a", "b"});
    CHECK(segments("/a/?b=/c") == Segments{"a", ""});
    CHECK(segments("/a%20b/%2F%C3%a9/c#d") == Segments{"a b", "/\xc3\xa9", "c"});
    CHECK(segments("//a") == Segments{"", "a"});
    for (const char* wrong : {"", "a", "*", "/%", "/%4", "/%4g", "/%%41", "ftp://a/b"}) {
        CAPTURE(wrong);
        CHECK_FALSE(http::parse_target(wrong).has_value());
    }
}

TEST_CASE("a target may name its host, as proxies write it") {
    const http::Target target = parsed("HTTP://localhost:80/a?b");
    CHECK(target.authority == "localhost:80");
    CHECK(target.segments == std::vector<std::string>{"a"});
    CHECK(target.query == "b");
    CHECK(segments("http://localhost").empty());
    CHECK_FALSE(parsed("/a").authority.has_value());
}

TEST_CASE("each path has its route") {
    const auto route = [](std::string_view method, std::string_view target) {
        const auto match = http::find_route(method, parsed(target));
        REQUIRE(match.has_value());
        return *match;
    };
    CHECK(route("GET", "/healthz").route == Route::health);
    CHECK(route("GET", "/readyz").route == Route::ready);
    CHECK(route("HEAD", "/api/models").route == Route::models);
    CHECK(route("GET", "/api/devices").route == Route::devices);
    CHECK(route("GET", "/api/workers").route == Route::workers);
    CHECK(route("GET", "/api/incidents").route == Route::incidents);
    CHECK(route("GET", "/api/explain").route == Route::explain_all);
    CHECK(route("GET", "/api/explain/r17").route == Route::explain);
    CHECK(route("GET", "/api/explain/m%3Afp16").model == "m:fp16");
    CHECK(route("POST", "/api/workers/7/kill").route == Route::kill_worker);
    CHECK(route("POST", "/api/workers/7/kill").model == "7");
    CHECK(route("GET", "/api/models/a.b").route == Route::model);
    CHECK(route("GET", "/api/models/a.b").model == "a.b");
    CHECK(route("POST", "/api/models/a/call").route == Route::call);
    CHECK(route("POST", "/api/models/a%2fb/load").model == "a/b");
    CHECK(route("POST", "/api/models/call/unload").route == Route::order);
    CHECK(route("POST", "/api/models/call/unload").action == http::ModelAction::unload);
    CHECK(route("POST", "/api/models/a/offload").action == http::ModelAction::offload);
    CHECK(route("POST", "/api/models/a/restart").action == http::ModelAction::restart);
    CHECK(route("POST", "/api/models/a/pause").action == http::ModelAction::pause);
    CHECK(route("POST", "/api/models/a/resume").action == http::ModelAction::resume);
}

TEST_CASE("paths of jobs are chosen by their method, too") {
    const auto route = [](std::string_view method, std::string_view target) {
        const auto match = http::find_route(method, parsed(target));
        REQUIRE(match.has_value());
        return *match;
    };
    CHECK(route("GET", "/api/jobs").route == Route::jobs);
    CHECK(route("POST", "/api/jobs").route == Route::submit);
    CHECK(route("DELETE", "/api/jobs").route == Route::order_jobs);
    CHECK(route("DELETE", "/api/jobs").job_action == http::JobAction::remove);
    CHECK(route("POST", "/api/jobs/retry").route == Route::order_jobs);
    CHECK(route("HEAD", "/api/jobs/j%31").job == "j1");
    CHECK(route("DELETE", "/api/jobs/j1").route == Route::order_job);
    CHECK(route("POST", "/api/jobs/j1/hold").job_action == http::JobAction::hold);
    CHECK(route("GET", "/api/jobs/j1/result").route == Route::job_result);
    CHECK(route("GET", "/api/jobs/j1/events").route == Route::job_events);
    CHECK(route("POST", "/api/models/a/jobs").route == Route::submit_body);
    CHECK(route("GET", "/api/queue").route == Route::queue);
    CHECK(http::is_about_jobs(Route::queue));
    CHECK_FALSE(http::is_about_jobs(Route::order));
    CHECK(http::find_route("PUT", parsed("/api/jobs")).error().allow == "GET, HEAD, POST, DELETE");
    CHECK(http::find_route("POST", parsed("/api/jobs/j1")).error().allow == "GET, HEAD, DELETE");
    CHECK(http::find_route("DELETE", parsed("/api/queue")).error().allow == "GET, HEAD");
    CHECK(http::find_route("GET", parsed("/api/jobs/cancel")).error().allow == "POST");
    for (const char* path : {"/api/jobs/", "/api/jobs/j1/", "/api/jobs/j1/run", "/api/jobs//result",
                             "/api/jobs/j1/result/x", "/api/queue/x"}) {
        CAPTURE(path);
        CHECK(status_of("GET", path) == 404);
    }
}

TEST_CASE("other paths are 404, other methods 405 with the right ones") {
    for (const char* path :
         {"/", "/api", "/api/", "/api/models/", "/api/models/a/", "/healthz/",
          "/api/models/a/call/b", "/api/models/a/run", "/API/models", "//api/models",
          "/api/models//call", "/api/explain/", "/api/explain/r1/x"}) {
        CAPTURE(path);
        CHECK(status_of("GET", path) == 404);
    }
    CHECK(status_of("POST", "/healthz") == 405);
    CHECK(status_of("get", "/healthz") == 405);
    CHECK(status_of("GET", "/api/models/a/call") == 405);
    CHECK(status_of("HEAD", "/api/models/a/load") == 405);
    CHECK(http::find_route("PUT", parsed("/api/models")).error().allow == "GET, HEAD");
    CHECK(http::find_route("PUT", parsed("/api/models/a/call")).error().allow == "POST");
}
