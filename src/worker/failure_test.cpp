// Workers that fail to start, break the protocol, do not read or die too soon.
#include <doctest/doctest.h>
#include <signal.h>

#include "worker/testing/bench.h"

namespace base = windlass::base;
namespace io = windlass::io;
namespace worker = windlass::worker;
using io::testing::run_turn;
using io::testing::run_until;
using worker::testing::Bench;

TEST_CASE("a program that does not exist is named, with what to do") {
    Bench bench;
    const std::uint64_t generation = bench.launch({"python9", "-m", "x"});
    const base::Error error = bench.wait<worker::Failed>(generation).error;
    CHECK(error.message.contains("`python9` was not found in PATH ("));
    CHECK(error.message.contains("correct `interpreter`"));
    CHECK(error.cause == "FileNotFoundError");
    CHECK(bench.wait<worker::Exited>(generation).code == 127);
    CHECK(bench.count<worker::ChannelLost>(generation) == 0);

    const std::uint64_t by_path = bench.launch({"/opt/none/python"});
    CHECK(bench.wait<worker::Failed>(by_path).error.message.contains(
        "`/opt/none/python` was not found (or the interpreter"));
    const std::uint64_t no_program = bench.launch({"/etc/passwd"});
    CHECK(bench.wait<worker::Failed>(no_program)
              .error.message.contains(
                  "cannot execute the worker's program `/etc/passwd`: Permission denied"));
    const std::uint64_t odd = bench.launch({"\xff"});
    CHECK(bench.wait<worker::Failed>(odd).error.message.contains("`\xEF\xBF\xBD`"));
}

TEST_CASE("what fails before there is a process is one LaunchFailed, from the loop") {
    io::Loop loop;
    std::vector<worker::Event> events;
    const auto launch = [&](const worker::SupervisorOptions& options) {
        worker::Supervisor supervisor{
            loop, options, [&](worker::Event event) { events.push_back(std::move(event)); }};
        supervisor.launch(
            {.generation = 1, .model = "digits", .argv = {"true"}, .environment = {}});
        supervisor.stop(1);
        supervisor.kill(1);
        CHECK(events.empty());
        CHECK(supervisor.size() == 1);
        CHECK_FALSE(supervisor.find_pid(1).has_value());
        REQUIRE(run_until(loop, [&] { return !events.empty(); }));
        CHECK(supervisor.size() == 0);
        run_turn(loop);
        REQUIRE(events.size() == 1);
        const base::Error error = std::get<worker::LaunchFailed>(events[0]).error;
        events.clear();
        return error.message;
    };
    CHECK(launch({.daemon_id = "d", .executable = WL_TEST_SHIM, .runtime_dir = "/nowhere"})
              .starts_with("launching a worker of model digits: making the temporary directory"));
    CHECK(launch({.daemon_id = "d", .executable = "/none", .runtime_dir = "/tmp"}) ==
          "launching a worker of model digits: starting /none: No such file or directory");
}

TEST_CASE("an exit at launch comes with everything it printed, and no lost channel") {
    Bench bench;
    const std::uint64_t generation = bench.launch_fake("exit_at_launch");
    CHECK(bench.wait<worker::Exited>(generation).code == 3);
    CHECK(bench.printed(generation, worker::Output::standard_error) ==
          "Traceback ...|ModuleNotFoundError: no module named 'torch'");
    CHECK(bench.count<worker::ChannelLost>(generation) == 0);
}

TEST_CASE("a failed start is reported as the worker's own error") {
    Bench bench;
    const std::uint64_t generation = bench.launch_fake("fail_start");
    CHECK(bench.wait<worker::Exited>(generation).code == 1);
    const auto& failed = bench.get<worker::Failed>(generation);
    CHECK(failed.request == 0);
    CHECK(failed.error.code == base::Errc::internal);
    CHECK(failed.error.cause == "gpu_trouble");
    CHECK(failed.error.traceback == "Traceback ...");
}

TEST_CASE("a broken protocol is one ChannelLost; what it prints still comes, then Exited") {
    struct Case {
        const char* mode;
        const char* why;
    };
    for (const Case& example :
         {Case{"broken_frame", "broke the protocol: broken frame: it begins with the bytes 54 72"},
          Case{"bad_meta", "broke the protocol: the meta of a `hello` frame is not a JSON object"},
          Case{"other_protocol", "speaks version 2"}}) {
        CAPTURE(example.mode);
        Bench bench;
        const std::uint64_t generation = bench.launch_fake(example.mode);
        const base::Error why = bench.wait<worker::ChannelLost>(generation).why;
        CHECK(why.code == base::Errc::worker_lost);
        CHECK(why.message.contains(example.why));
        CHECK(why.message.contains("of model digits"));
        bench.run(generation, 1, "test/echo", "dropped");
        bench.supervisor.stop(generation);
        if (example.mode == std::string_view{"broken_frame"}) {
            bench.wait<worker::Printed>(generation);
        }
        bench.supervisor.kill(generation);
        CHECK(bench.wait<worker::Exited>(generation).signal == SIGKILL);
        CHECK(bench.count<worker::ChannelLost>(generation) == 1);
        CHECK(bench.count<worker::Failed>(generation) == 0);
    }
}

TEST_CASE("an answer to another request keeps the name of that request") {
    Bench bench;
    const std::uint64_t generation = bench.launch_loaded("wrong_answer");
    bench.run(generation, 1, "a/b");
    CHECK(bench.wait<worker::Answered>(generation).request == 2);
    CHECK(bench.count<worker::ChannelLost>(generation) == 0);
}

TEST_CASE("a channel that is closed while the process lives on is lost") {
    Bench bench;
    const std::uint64_t generation = bench.launch_fake("close_channel");
    CHECK(bench.wait<worker::ChannelLost>(generation)
              .why.message.ends_with("closed its channel and lives on"));
    bench.supervisor.terminate(generation);
    CHECK(bench.wait<worker::Exited>(generation).signal == SIGTERM);
}

TEST_CASE("what a worker said before it died is heard before its death") {
    Bench bench;
    const std::uint64_t generation = bench.launch_loaded("last_words");
    for (const std::uint64_t request : {1U, 2U}) bench.run(generation, request, "a/b");
    // More than it will read, so that its end resets the channel.
    bench.run(generation, 3, "a/b", std::string(100'000, 'x'));
    const worker::Exited& exited = bench.wait<worker::Exited>(generation);
    CHECK(worker::to_text(exited) == "was killed by signal 11 (SIGSEGV)");
    CHECK(bench.get<worker::Answered>(generation).body == "finished in time");
    CHECK(bench.count<worker::Answered>(generation) == 1);
    CHECK(bench.count<worker::Printed>(generation) == 1001);
    CHECK(bench.printed(generation, worker::Output::standard_output) == "out at the end");
    CHECK(std::holds_alternative<worker::Exited>(bench.events.back()));
    CHECK(bench.count<worker::ChannelLost>(generation) == 0);
}

TEST_CASE("a worker that does not read neither blocks the loop nor fills the memory") {
    Bench bench;
    const std::uint64_t generation = bench.launch_fake("deaf");
    bench.wait<worker::Hello>(generation);
    bench.load(generation, 100'000);
    std::uint64_t request = 0;
    while (++request <= 100) bench.run(generation, request, "a/b", std::string(100'000, 'x'));
    CHECK(bench.count<worker::Failed>(generation) == 0);  // never from within a call
    const worker::Failed& refused = bench.wait<worker::Failed>(generation);
    CHECK(refused.error.code == base::Errc::unavailable);
    CHECK(refused.error.reason == "channel_full");
    CHECK(refused.request > 18);  // (1 + 17) x (100'000 + 64 KiB) fit, whatever the socket took
    CHECK(refused.request < 35);
    // Orders about requests still have room; when that is used up, the channel is given up.
    for (int number = 0; number < 1000; ++number) bench.supervisor.cancel(generation, 1);
    run_turn(bench.loop);
    CHECK(bench.count<worker::ChannelLost>(generation) == 0);
    for (int number = 0; number < 250'000; ++number) bench.supervisor.cancel(generation, 1);
    CHECK(bench.wait<worker::ChannelLost>(generation).why.message.contains("does not read"));
}

TEST_CASE("a client's text that could hurt the worker does not reach it") {
    Bench bench;
    const std::uint64_t generation = bench.launch_loaded();
    for (const char* content_type : {"", "a/b\n", "t\xff"}) bench.run(generation, 1, content_type);
    bench.run(generation, 2, "test/echo", "fine");
    bench.wait<worker::Answered>(generation);
    CHECK(bench.count<worker::Failed>(generation) == 3);
    CHECK(bench.get<worker::Failed>(generation).error.code == base::Errc::invalid_input);
}

TEST_CASE("orders for a worker that is gone or never was are dropped") {
    Bench bench;
    const std::uint64_t generation = bench.launch({"true"});
    bench.wait<worker::Exited>(generation);
    for (const std::uint64_t gone : {generation, std::uint64_t{99}}) {
        bench.load(gone, 1);
        bench.run(gone, 1, "a/b");
        bench.supervisor.recall(gone, 1);
        bench.supervisor.cancel(gone, 1);
        bench.supervisor.stop(gone);
        bench.supervisor.terminate(gone);
        bench.supervisor.kill(gone);
    }
    run_turn(bench.loop);
    CHECK(std::holds_alternative<worker::Exited>(bench.events.back()));
}
