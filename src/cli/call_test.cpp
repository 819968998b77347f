// Inputs, answers and failures of `windlass call`, without a daemon.
#include "cli/call.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>

#include "cli/failure_text.h"

using namespace std::chrono_literals;
namespace cli = windlass::cli;
namespace base = windlass::base;

namespace {

std::string temporary_path(const std::string& name) {
    const std::string unique = "wl_call_" + std::to_string(getpid()) + "_" + name;
    return std::filesystem::temp_directory_path() / unique;
}

windlass::Answer answer(std::string body, std::string content_type) {
    return {.body = std::move(body),
            .content_type = std::move(content_type),
            .request_id = "r17",
            .copy = 2,
            .worker_pid = 4711,
            .device = "cpu",
            .queue_time = 1500us,
            .load_time = 0ns,
            .run_time = 12ms,
            .total_bytes = 24'000,
            .peak_bytes = 3'000,
            .shared = false};
}

}  // namespace

TEST_CASE("an input comes from text or a file, with a type that fits") {
    CHECK(cli::read_input({.data = "[1]"})->content_type == "application/json");
    CHECK(cli::read_input({.data = "hi"})->content_type == "text/plain");
    CHECK(cli::read_input({.data = "", .content_type = "a/b"})->content_type == "a/b");
    const std::string path = temporary_path("input.npy");
    std::ofstream{path, std::ios::binary} << std::string(200'000, '\0');
    const auto input = cli::read_input({.file = path});
    std::filesystem::remove(path);
    REQUIRE(input);
    CHECK(input->body == std::string(200'000, '\0'));
    CHECK(input->content_type == "application/x-npy");
    const auto missing = cli::read_input({.file = path});
    CHECK(missing.error().code == base::Errc::not_found);
    CHECK(missing.error().message == "cannot read " + path + ": No such file or directory");
    CHECK(cli::read_input({.file = "/"}).error().code == base::Errc::invalid_input);
}

TEST_CASE("an answer goes out as it came, and on a terminal as it can be read") {
    const cli::CallArguments plain{.model = "m"};
    const auto shown = [&](const std::string& body, bool terminal) {
        return cli::show_answer(plain, answer(body, "a/b"), terminal);
    };
    CHECK(shown("7", false).out == "7");
    CHECK(shown("7", true).out == "7\n");
    CHECK(shown("7\n", true).out == "7\n");
    CHECK(shown("", true).out.empty());
    CHECK(shown("\xff\x01", false).out == "\xff\x01");
    CHECK(shown("\xff\x01", true).out.empty());
    CHECK(shown("\xff\x01", true).err ==
          "2 B of a/b: not for a terminal; use --output FILE or a pipe\n");
}

TEST_CASE("an answer as JSON holds times, origin and body") {
    const cli::CallArguments json{.model = "m", .json = true};
    CHECK(cli::show_answer(json, answer("{\"digit\": 7}", "application/json"), false).out ==
          R"({"model":"m","request_id":"r17","copy":2,"worker_pid":4711,"device":"cpu",)"
          R"("queue_ms":1.5,"load_ms":0,"run_ms":12,"total_bytes":24000,"free_before_bytes":null,)"
          R"("peak_bytes":3000,"context_bytes":null,"shared":false,)"
          R"("content_type":"application/json",)"
          R"("body":"{\"digit\": 7}"})"
          "\n");
    CHECK(cli::show_answer(json, answer("\xff", "x/y"), false)
              .out.ends_with("\"content_type\":\"x/y\",\"body_base64\":\"/w==\"}\n"));
}

TEST_CASE("an answer is written to the file that was asked for") {
    const std::string path = temporary_path("output");
    const cli::CallArguments arguments{.model = "m", .output = path};
    const auto written = cli::show_answer(arguments, answer("abc", "a/b"), true);
    std::ifstream file{path};
    const std::string content{std::istreambuf_iterator<char>{file}, {}};
    std::filesystem::remove(path);
    CHECK(written.exit_code == 0);
    CHECK(written.out.empty());
    CHECK(content == "abc");
    const cli::CallArguments nowhere{.model = "m", .output = path + "/x"};
    CHECK(cli::show_answer(nowhere, answer("abc", "a/b"), true).exit_code == 4);
}

TEST_CASE("a failure is told with its type, advice and place, and sets the exit code") {
    const windlass::Failure failure{.type = "unavailable",
                                    .message = "the last load failed",
                                    .reason = "backoff",
                                    .retry_after_s = 3.2,
                                    .request_id = "r3",
                                    .cause = "KeyError",
                                    .traceback = "File \"m.py\"\n\x1b[2J",
                                    .exit_code = 6};
    const cli::CommandOutcome text = cli::failed(failure, false);
    CHECK(text.exit_code == 6);
    CHECK(text.out.empty());
    CHECK(text.err ==
          "windlass: unavailable: the last load failed (try again in 3 s) [request r3]\n"
          "File \"m.py\"\n [2J\n");
    const cli::CommandOutcome json = cli::failed(failure, true);
    CHECK(json.exit_code == 6);
    CHECK(json.err.empty());
    CHECK(json.out ==
          R"({"error":{"type":"unavailable","message":"the last load failed","reason":"backoff",)"
          R"("retry_after_s":3.2E0,"request_id":"r3","cause":"KeyError",)"
          R"("traceback":"File \"m.py\"\n\u001b[2J"}})"
          "\n");
    CHECK(cli::failed(base::fail(base::Errc::not_found, "x"), false).exit_code == 4);
}

TEST_CASE("a failure for lack of memory says how much is missing and who holds it") {
    windlass::Failure failure{.type = "unavailable", .message = "full", .exit_code = 6};
    failure.memory = windlass::MemoryShortage{.device = "GPU-1", .required = 6'442'450'944};
    CHECK(cli::failed(failure, false).err ==
          "windlass: unavailable: full\n"
          "memory of GPU-1: 6 GiB needed, an unknown amount available\n");
    failure.memory->available = 4'831'838'208;
    failure.memory->holders = {
        {.kind = "model", .model = "x", .generation = 7, .bytes = 3'221'225'472},
        {.kind = "returning", .model = "y", .generation = 8, .bytes = 1'048'576},
        {.kind = "fenced", .model = "z", .generation = 2, .bytes = 1024},
        {.kind = "foreign", .bytes = 1'288'490'189}};
    CHECK(cli::failed(failure, false).err ==
          "windlass: unavailable: full\n"
          "memory of GPU-1: 6 GiB needed, 4.5 GiB available; held by the model x (3 GiB), y, "
          "whose process is gone (1 MiB, being given back), what a process of z left behind "
          "(1 KiB), other programs (1.2 GiB)\n");
    failure.memory->holders.resize(1);
    CHECK(cli::failed(failure, true).out ==
          R"({"error":{"type":"unavailable","message":"full","device":"GPU-1",)"
          R"("required":6442450944,"available":4831838208,"holders":[{"kind":"model",)"
          R"("model":"x","generation":7,"bytes":3221225472}]}})"
          "\n");
}

TEST_CASE("without a daemon a call says so and how to have one") {
    // Port 1 (tcpmux) is not listened on where tests run; a refusal comes at once.
    const auto outcome =
        cli::run(cli::CallArguments{.url = "http://127.0.0.1:1", .model = "m", .data = "x"});
    CHECK(outcome.exit_code == 6);
    CHECK(outcome.err.starts_with("windlass: unavailable: "));
    const auto listed = cli::run(cli::ModelsArguments{.url = "http://127.0.0.1:1", .json = true});
    CHECK(listed.exit_code == 6);
    CHECK(listed.out.starts_with(R"({"error":{"type":"unavailable","message":)"));
    CHECK(cli::run(cli::ModelsArguments{.url = "ftp://x"}).exit_code == 2);
}
