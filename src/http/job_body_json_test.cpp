// Bodies of POST /api/jobs: what is read, and what is refused with which words.
#include "http/job_body_json.h"

#include <doctest/doctest.h>

#include "http/base64.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;

namespace {

constexpr std::int64_t kNow = 1'767'323'045'678;  // 2026-01-02T03:04:05.678Z

std::string refusal(std::string_view body) {
    const auto read = http::read_submission(body, kNow);
    if (read) return "";
    CHECK(read.error().code == base::Errc::invalid_input);
    return read.error().message;
}

// Of a job that is right but for these fields.
std::string refusal_of(const std::string& fields) {
    return refusal(R"({"model": "m", "input": 1, )" + fields + "}");
}

}  // namespace

TEST_CASE("every field of a job is read") {
    const auto job = http::read_submission(R"( {
        "model": "flux", "input": {"prompt": "a \"}\" b", "seeds": [1, {"x": null}]},
        "variant": "fp16", "priority": 2, "tenant": "anna", "key": "k\u00e9",
        "run_at": "10m", "deadline": "2026-01-03T03:04:05Z", "run_timeout": "1h",
        "stall_timeout": "30s", "max_failures": 4, "max_crashes": 1 } )",
                                           kNow);
    REQUIRE(job);
    CHECK(*job ==
          http::JobSubmission{.model = "flux",
                              .content_type = "application/json",
                              .body = R"({"prompt": "a \"}\" b", "seeds": [1, {"x": null}]})",
                              .variant = "fp16",
                              .priority = 2,
                              .tenant = "anna",
                              .key = "k\xc3\xa9",
                              .run_at_ms = kNow + 600'000,
                              .deadline_ms = kNow - 678 + 86'400'000,
                              .run_timeout = 1h,
                              .stall_timeout = 30s,
                              .max_failures = 4,
                              .max_crashes = 1});
}

TEST_CASE("an input is handed on byte for byte, whatever it is") {
    for (const char* input :
         {"null", "true", "-1.5e3", "12345678901234567890123", "\"\"", R"("a\\")", R"("]}\"")",
          "[]", "{}", "[[1,2],[3]]", R"({"a":{"b":[]}})", "[ \"}\" , 2 ]"}) {
        for (const char* form : {R"({"input":%,"model":"m"})", R"({"model":"m","input":%})",
                                 "{ \"model\" : \"m\" ,\n\"input\" : % }\n"}) {
            std::string body = form;
            body.replace(body.find('%'), 1, input);
            CAPTURE(body);
            const auto job = http::read_submission(body, kNow);
            REQUIRE(job);
            CHECK(job->body == input);
            CHECK(job->model == "m");
        }
    }
}

TEST_CASE("bytes come as base64, with their own type") {
    const auto job = http::read_submission(
        R"({"model":"m","input_base64":"iVBORw==","content_type":"image/png"})", kNow);
    REQUIRE(job);
    CHECK(job->body == "\x89PNG");
    CHECK(job->content_type == "image/png");
    CHECK(http::read_submission(R"({"model":"m","input_base64":""})", kNow)->body.empty());
    CHECK(http::decode_base64("YQ==") == "a");
    CHECK(http::decode_base64("YWI=") == "ab");
    CHECK(http::decode_base64("YWJj") == "abc");
    for (const char* bad :
         {"YQ", "YQ=", "YQ===", "Y", "YR==", "YW-=", "YQ==YQ==", "====", "Y Q="}) {
        CAPTURE(bad);
        CHECK_FALSE(http::decode_base64(bad));
    }
    CHECK(refusal(R"({"model":"m","input_base64":"YQ"})").starts_with("input_base64 is not"));
    CHECK(refusal(R"({"model":"m","input_base64":"YQ==","input":1})").contains("one of them"));
    CHECK(refusal_of(R"("content_type":"a/b")").starts_with("content_type goes with"));
}

TEST_CASE("what is no job is refused, and says what to do") {
    CHECK(refusal("").contains("not JSON"));
    CHECK(refusal("model=m").contains("not JSON"));
    CHECK(refusal(R"({"model":"m","input":1} x)").contains("not JSON"));
    CHECK(refusal(R"({"model":"m","input":[1})").contains("not JSON"));
    CHECK(refusal("[1]").contains("no object"));
    CHECK(refusal("{}").contains("names no model"));
    CHECK(refusal(R"({"model":"m"})").contains("no input"));
    CHECK(refusal(R"({"model":null,"input":1})").contains("names no model"));
    CHECK(refusal(R"({"model":"m","model":"n","input":1})").contains("twice"));
    CHECK(refusal_of(R"("priorty":1)") ==
          R"(a job has no field "priorty"; did you mean "priority"?)");
    CHECK(refusal_of(R"("steps":1)").contains("belongs into \"input\""));
    const std::string deep(10'000, '[');
    CHECK(refusal(R"({"model":"m","input":)" + deep).contains("not JSON"));
}

TEST_CASE("values that cannot be read name their field") {
    for (const char* bad :
         {R"("priority":10)", R"("priority":-1)", R"("priority":"4")", R"("priority":4.0)",
          R"("priority":99999999999999999999)", R"("max_crashes":0)", R"("variant":"a b")",
          R"("variant":7)", R"("tenant":"")", R"("key":"a\u0000")", R"("run_at":"soon")",
          R"("run_at":5)", R"("deadline":"2026-13-01T00:00:00Z")", R"("run_timeout":"0s")",
          R"("stall_timeout":"30")", R"("run_timeout":30)"}) {
        CAPTURE(bad);
        const std::string field = std::string{bad}.substr(1, std::string{bad}.find("\":") - 1);
        CHECK(refusal_of(bad).starts_with(field));
    }
    CHECK(refusal_of(R"("tenant":")" + std::string(65, 'x') + "\"").starts_with("tenant"));
    CHECK(refusal_of(R"("priority":null,"key":null)").empty());
}

TEST_CASE("times may have an offset, and a deadline lies ahead of the begin") {
    const auto run_at = [](const std::string& text) {
        const auto job =
            http::read_submission(R"({"model":"m","input":1,"run_at":")" + text + "\"}", kNow);
        return job ? job->run_at_ms.value_or(0) : -1;
    };
    CHECK(run_at("2026-01-02T03:04:05.678Z") == kNow);
    CHECK(run_at("2026-01-02T05:34:05.678+02:30") == kNow);
    CHECK(run_at("2026-01-01T22:04:05.678-05:00") == kNow);
    CHECK(run_at("0s") == kNow);
    for (const char* bad : {"2026-01-02T03:04:05", "2026-01-02T03:04:05+2:30", "+02:00", "",
                            "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05Z+02:00"}) {
        CAPTURE(bad);
        CHECK(run_at(bad) == -1);
    }
    CHECK(refusal_of(R"("deadline":"2026-01-02T03:04:05Z")").starts_with("the deadline is over"));
    CHECK(refusal_of(R"("deadline":"5m","run_at":"10m")").contains("before the job may begin"));
    CHECK(refusal_of(R"("deadline":"10m","run_at":"5m")").empty());
}
