// Goal:   a worker that holds more of the machine's memory than it may is ended, and only it; what
//         forked processes share is counted once.
// Method: texts of the kernel; real processes under a supervisor.
#include "worker/host_memory.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <memory>

#include "worker/testing/bench.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace worker = windlass::worker;
using base::operator""_MiB;
using worker::testing::Bench;

namespace {

// Greets as a worker, then holds so many MiB in so many processes, and waits.
constexpr const char* kHolder = R"(
import os, signal, sys
held = bytearray(b'x') * (int(sys.argv[1]) << 20)
children = [os.fork() or signal.pause() for _ in range(int(sys.argv[2]))]
print('holding', *[os.getpid(), *children], flush=True)
signal.pause()
)";

std::vector<std::string> holder(int megabytes, int children) {
    return {"python3", "-S", "-c", kHolder, std::to_string(megabytes), std::to_string(children)};
}

std::string holding_line(Bench& bench, std::uint64_t generation) {
    return bench.wait<worker::Printed>(generation).line;
}

// What `windlass host-memory` says of all of them together.
base::Bytes closely(const std::string& pids) {
    const std::string command = fmt::format("{} host-memory {}", WL_TEST_SHIM, pids);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> said{::popen(command.c_str(), "r"),
                                                               ::pclose};
    REQUIRE(said != nullptr);
    std::uint64_t sum = 0;
    unsigned long long bytes = 0;
    while (std::fscanf(said.get(), "%*d %llu", &bytes) == 1) sum += bytes;
    return base::Bytes{sum};
}

}  // namespace

TEST_CASE("pages of files do not count, and what is swapped out does") {
    CHECK(worker::held_by_status("Name:\tRssAnon: 7\nRssAnon:\t    1024 kB\nRssFile:\t 4096 kB\n"
                                 "RssShmem:\t       3 kB\nVmSwap:\t       5 kB\n") ==
          base::Bytes{1032 << 10});
    CHECK(worker::held_by_rollup("Pss:   900 kB\nPss_Anon: 10 kB\nPss_File:   890 kB\n"
                                 "Pss_Shmem:  1 kB\nSwapPss:  2 kB\n") == base::Bytes{13 << 10});
    CHECK_FALSE(worker::held_by_status("Name:\tkthreadd\n"));
    CHECK_FALSE(worker::held_by_rollup("Pss:   900 kB\n"));  // an older kernel
}

TEST_CASE("the largest processes are told by name") {
    using Process = worker::HostMemoryUse::Process;
    CHECK(worker::to_text(std::vector<Process>{{1, "a", 3_MiB}}) == "a (1) 3 MiB");
    CHECK(worker::to_text(std::vector<Process>{
              {1, "a", 9_MiB}, {2, "b", 8_MiB}, {3, "c", 7_MiB}, {4, "d", 6_MiB}}) ==
          "a (1) 9 MiB, b (2) 8 MiB, c (3) 7 MiB and 1 more");
}

TEST_CASE("a worker with too much is killed with its children, and nobody else is") {
    Bench bench;
    const std::uint64_t other = bench.launch(holder(1, 0), {}, 200_MiB);
    const std::uint64_t generation = bench.launch(holder(150, 1), {}, 100_MiB);
    const auto& exceeded = bench.wait<worker::HostMemoryExceeded>(generation);
    CHECK(exceeded.is_killed);
    CHECK(exceeded.error.code == base::Errc::host_out_of_memory);
    CHECK(exceeded.error.message.contains("host_memory of 100 MiB"));
    CHECK(exceeded.error.message.contains("python3"));
    const auto& exited = bench.wait<worker::Exited>(generation);
    CHECK(exited.cause.value_or(base::Error{}).code == base::Errc::host_out_of_memory);
    CHECK(bench.supervisor.find_pid(other).has_value());
}

TEST_CASE("what forked processes share counts once") {
    Bench bench;
    const std::uint64_t generation = bench.launch(holder(100, 3));
    const std::string line = holding_line(bench, generation);
    REQUIRE(line.starts_with("holding "));
    const base::Bytes sum = closely(line.substr(8));
    CHECK(sum > 100_MiB);
    CHECK(sum < 200_MiB);
}
