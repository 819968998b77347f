// The JSON of each frame: exact text out, tolerant reading in, and nothing bad gets through.
#include "wire/frame_meta.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <type_traits>

#include "wire/frame.h"

using namespace std::chrono_literals;
namespace wire = windlass::wire;
namespace base = windlass::base;

namespace {

template <class Value>
void check_bad(const base::Result<Value>& parsed, std::string_view part_of_message) {
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == base::Errc::data_corrupt);
    CAPTURE(parsed.error().message);
    CHECK(parsed.error().message.contains(part_of_message));
}

}  // namespace

TEST_CASE("the metas print as the protocol shows them and read back") {
    const wire::Hello hello{.protocol = 1,
                            .sdk = "python/0.1.0",
                            .pid = 4711,
                            .runtime = "3.11.2",
                            .can_offload = true};
    CHECK(wire::to_json(hello) ==
          R"({"protocol":1,"sdk":"python/0.1.0","pid":4711,"runtime":"3.11.2",)"
          R"("can_offload":true})");
    CHECK(wire::parse_hello(wire::to_json(hello)).value() == hello);
    wire::Hello bound = hello;
    bound.used_driver = true;
    CHECK(wire::to_json(bound).ends_with(R"("can_offload":true,"used_driver":true})"));
    CHECK(wire::parse_hello(wire::to_json(bound)).value() == bound);

    const wire::LoadOrder load{.model = "digits",
                               .device = "cuda",
                               .uuid = "GPU-1",
                               .concurrency = 1,
                               .body_max = base::Bytes{268435456},
                               .heartbeat = 1s};
    CHECK(wire::to_json(load) ==
          R"({"model":"digits","device":"cuda","uuid":"GPU-1","concurrency":1,)"
          R"("body_max":268435456,"heartbeat_ms":1000})");
    CHECK(wire::parse_load_order(wire::to_json(load)).value() == load);

    const wire::RunOrder run{
        .content_type = "application/json", .variant = "fp16", .timeout = 29500ms};
    CHECK(wire::to_json(run) ==
          R"({"content_type":"application/json","timeout_ms":29500,"variant":"fp16"})");
    CHECK(wire::parse_run_order(wire::to_json(run)).value() == run);
    const wire::RunOrder plain{.content_type = "a/b", .variant = {}, .timeout = 0s};
    CHECK(wire::parse_run_order(wire::to_json(plain)).value() == plain);

    const wire::RunOrder first{
        .content_type = "a/b", .variant = {}, .timeout = 0s, .attempt = wire::Attempt{}};
    CHECK(wire::to_json(first) == R"({"content_type":"a/b","timeout_ms":0,"attempt":1})");
    CHECK(wire::parse_run_order(wire::to_json(first)).value() == first);
    wire::RunOrder second = first;
    second.attempt = wire::Attempt{.number = 2, .free = base::Bytes{5}};
    CHECK(wire::to_json(second) ==
          R"({"content_type":"a/b","timeout_ms":0,"attempt":2,"free_bytes":5})");
    CHECK(wire::parse_run_order(wire::to_json(second)).value() == second);
    second.attempt->error = base::fail(base::Errc::out_of_memory, "too \"large\"");
    CHECK(wire::to_json(second) ==
          R"({"content_type":"a/b","timeout_ms":0,"attempt":2,"free_bytes":5,)"
          R"("error":{"type":"out_of_memory","message":"too \"large\""}})");
    CHECK(wire::parse_run_order(wire::to_json(second)).value() == second);

    CHECK(wire::to_json(wire::RecallAnswer{true}) == R"({"recalled":true})");
    CHECK(wire::to_json(wire::Answer{"a/b"}) == R"({"content_type":"a/b"})");
    CHECK(wire::parse_answer(R"({"content_type":"a/b"})").value() == wire::Answer{"a/b"});
    const wire::LogLine line{.level = base::log::Level::warning, .message = "low on \"x\""};
    CHECK(wire::parse_log_line(wire::to_json(line)).value() == line);
    const wire::LogLine failed{
        .message = "m", .hook = "unload", .cause = "ValueError", .traceback = "one\ntwo"};
    CHECK(wire::parse_log_line(wire::to_json(failed)).value() == failed);
    const wire::Progress progress{.step = 3, .total = 20, .phase = "denoise"};
    CHECK(wire::to_json(progress) == R"({"step":3,"total":20,"phase":"denoise"})");
    CHECK(wire::parse_progress(wire::to_json(progress)).value() == progress);
}

TEST_CASE("what an attempt is told of the one before is cut to what a frame holds") {
    wire::RunOrder run{.content_type = "a/b", .variant = {}, .timeout = 0s};
    run.attempt = wire::Attempt{.number = 2,
                                .error = base::Error{.message = std::string(100'000, '\n'),
                                                     .cause = std::string(100'000, '"'),
                                                     .traceback = std::string(100'000, 'x')}};
    const std::string json = wire::to_json(run);
    CHECK(json.size() <= wire::kMetaSizeMax);
    CHECK(wire::parse_run_order(json).value().attempt->error->traceback.empty());
    check_bad(wire::parse_run_order(
                  R"({"content_type": "a/b", "timeout_ms": 1, "attempt": 2, "error": 3})"),
              "\"error\"");
    check_bad(wire::parse_run_order(
                  R"({"content_type": "a/b", "timeout_ms": 1, "attempt": 2, "error": {}})"),
              "\"type\"");
}

TEST_CASE("settings are an object") {
    CHECK(wire::check_settings(R"({"batch": 4, "seed": null})"));
    for (const char* const json : {"[4]", "4", "null", "{\"batch\": NaN}", "{"})
        CHECK_FALSE(wire::check_settings(json));
}

TEST_CASE("every part of a progress is optional, as is the meta itself") {
    CHECK(wire::parse_progress("{}").value() == wire::Progress{});
    CHECK(wire::parse_progress("").value() == wire::Progress{});
    CHECK(wire::parse_progress(R"({"step": null, "total": 2.9})").value() ==
          wire::Progress{.step = {}, .total = 2, .phase = {}});
    check_bad(wire::parse_progress(R"({"step": -1})"), "\"step\"");
    check_bad(wire::parse_progress(R"({"step": 1e300})"), "\"step\"");
    check_bad(wire::parse_progress(R"({"step": "3"})"), "\"step\"");
    check_bad(wire::parse_progress(R"({"phase": 3})"), "\"phase\"");
}

TEST_CASE("what a move of the weights took is told, and what is not known left out") {
    const wire::Moved moved{
        .duration = 1500us, .before = base::Bytes{6442450944}, .after = base::Bytes{0}};
    CHECK(wire::to_json(moved) ==
          R"({"duration_us":1500,"before_bytes":6442450944,"after_bytes":0})");
    CHECK(wire::parse_moved(wire::FrameType::offloaded, wire::to_json(moved)).value() == moved);
    const wire::Moved unmeasured{.duration = 0us, .before = {}, .after = {}};
    CHECK(wire::to_json(unmeasured) == R"({"duration_us":0})");
    CHECK(wire::parse_moved(wire::FrameType::restored, wire::to_json(unmeasured)).value() ==
          unmeasured);
    check_bad(wire::parse_moved(wire::FrameType::offloaded, "{}"), "`offloaded` frame lacks");
    check_bad(wire::parse_moved(wire::FrameType::restored, R"({"duration_us": 1e16})"),
              "`restored` frame has a \"duration_us\"");
    for (const char* bytes : {"-1", "2251799813685248"}) {
        const std::string meta = fmt::format(R"({{"duration_us": 1, "before_bytes": {}}})", bytes);
        check_bad(wire::parse_moved(wire::FrameType::restored, meta), "\"before_bytes\"");
    }
}

TEST_CASE("[A3.6] what a run took of the device is told by workers that know it") {
    const wire::Answer answer{
        .content_type = "a/b", .peak = base::Bytes{3221225472}, .reserved = base::Bytes{0}};
    CHECK(wire::to_json(answer) ==
          R"({"content_type":"a/b","peak_bytes":3221225472,"reserved_bytes":0})");
    CHECK(wire::parse_answer(wire::to_json(answer)).value() == answer);
    check_bad(wire::parse_answer(R"({"content_type": "a/b", "peak_bytes": -1})"), "\"peak_bytes\"");
    check_bad(wire::parse_answer(R"({"content_type": "a/b", "reserved_bytes": 2251799813685248})"),
              "\"reserved_bytes\"");
}

TEST_CASE("a worker that serves HTTP says where, at one place on this machine") {
    CHECK(wire::parse_loaded("").value() == wire::Loaded{});
    for (const wire::Loaded& loaded : {wire::Loaded{}, wire::Loaded{.http_port = 8000},
                                       wire::Loaded{.http_socket = "/run/http.sock"}}) {
        CHECK(wire::parse_loaded(wire::to_json(loaded)).value() == loaded);
    }
    check_bad(wire::parse_loaded(R"({"http_port": 0})"), "\"http_port\" of 0");
    check_bad(wire::parse_loaded(R"({"http_port": 65536})"), "\"http_port\"");
    check_bad(wire::parse_loaded(R"({"http_socket": "http.sock"})"), "no absolute path");
    check_bad(wire::parse_loaded(R"({"http_port": 1, "http_socket": "/s"})"), "has both");
}

TEST_CASE("a worker that does not say that it can be offloaded cannot") {
    constexpr const char* kOlder = R"({"protocol": 1, "sdk": "x", "pid": 1, "runtime": "3"})";
    CHECK_FALSE(wire::parse_hello(kOlder).value().can_offload);
    check_bad(wire::parse_hello(
                  R"({"protocol": 1, "sdk": "x", "pid": 1, "runtime": "3", "can_offload": 1})"),
              "\"can_offload\"");
}

TEST_CASE("unknown keys are ignored") {
    CHECK(wire::parse_recall_answer(R"({"recalled": false, "since": [1, {"x": null}]})").value() ==
          wire::RecallAnswer{false});
}

TEST_CASE("what is no JSON object is an error that names the frame") {
    for (const char* text : {"{", "[]", "null", "1", "\"x\"", "{} {}", "{\"a\":1,}", "\xff\xfe",
                             "{\"recalled\": \"\xff\"}"}) {
        CAPTURE(text);
        check_bad(wire::parse_recall_answer(text), "the meta of a `recalled` frame");
    }
    const std::string deep(10'000, '[');
    check_bad(wire::parse_hello(deep), "`hello`");
}

TEST_CASE("a missing or mistyped key is named") {
    check_bad(wire::parse_hello(R"({"protocol": 1, "sdk": "x", "runtime": "3"})"), "lacks \"pid\"");
    check_bad(wire::parse_hello(R"({"protocol": 1, "sdk": "x", "pid": 3000000000, "runtime": ""})"),
              "\"pid\" that is not a number from 0 to 2147483647");
    check_bad(wire::parse_answer("{}"), "lacks \"content_type\"");
    check_bad(wire::parse_recall_answer("{}"), "\"recalled\"");
    check_bad(wire::parse_recall_answer(R"({"recalled": 1})"), "\"recalled\"");
    check_bad(wire::parse_log_line(R"({"level": "info"})"), "lacks \"message\"");
    check_bad(wire::parse_run_order(R"({"content_type": "a/b", "timeout_ms": 1e14})"),
              "\"timeout_ms\"");
    check_bad(wire::parse_error(R"({"type": 1, "message": "x"})"), "\"type\"");
}

TEST_CASE("a content type that would break out of an HTTP header is refused") {
    check_bad(wire::parse_answer(R"({"content_type": "a/b\r\nX-Evil: 1"})"), "content_type");
    check_bad(wire::parse_answer(R"({"content_type": ""})"), "content_type");
    check_bad(wire::parse_answer(R"({"content_type": "t\u00e4xt"})"), "content_type");
    check_bad(wire::parse_answer(R"({"content_type": ")" + std::string(257, 'x') + "\"}"),
              "content_type");
}

TEST_CASE("the level of a log line is a hint") {
    CHECK(wire::parse_log_line(R"({"level": "error", "message": "m"})").value().level ==
          base::log::Level::error);
    CHECK(wire::parse_log_line(R"({"level": "critical", "message": "m"})").value().level ==
          base::log::Level::info);
    CHECK(wire::parse_log_line(R"({"message": "m"})").value().level == base::log::Level::info);
}

TEST_CASE("an error keeps its type, or becomes internal with the word as its cause") {
    const base::Error error{.code = base::Errc::out_of_memory,
                            .message = "no room for 2 GiB",
                            .reason = "fragmented",
                            .cause = "RuntimeError",
                            .traceback = "Traceback ...",
                            .retry_after = std::chrono::milliseconds{2500}};
    CHECK(wire::parse_error(wire::to_json(error)).value().error == error);
    check_bad(wire::parse_error(R"({"type": "x", "message": "m", "retry_after_s": -1})"),
              "\"retry_after_s\"");
    const base::Error read =
        wire::parse_error(R"({"type": "gpu_oom", "message": "m", "cause": "X"})").value().error;
    CHECK(read.code == base::Errc::internal);
    CHECK(read.cause == "gpu_oom");
    CHECK(read.message == "m");
}

TEST_CASE("an error of any length fits a frame") {
    std::string umlauts;
    while (umlauts.size() < 100'000) umlauts += "\xc3\xbc\x01";
    const base::Error error{.message = umlauts, .cause = umlauts, .traceback = umlauts};
    const std::string json = wire::to_json(error);
    CHECK(json.size() <= wire::kMetaSizeMax);
    const base::Error read = wire::parse_error(json).value().error;
    CHECK(umlauts.starts_with(read.message));
    CHECK(read.message.size() > 10'000);
}
