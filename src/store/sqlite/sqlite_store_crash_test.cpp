// Several processes on one file, and processes that are killed in the middle of writing.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <vector>

#include "base/testing/scratch_directory.h"
#include "io/file_descriptor.h"
#include "store/sqlite/peak_table.h"
#include "store/sqlite/schema.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace store = windlass::store;
using base::testing::ScratchDirectory;
using store::sqlite::Connection;

namespace {

constexpr base::Duration kPatience = 60s;  // of a machine that is busy

store::Peak peak(int writer, std::uint64_t count) {
    return {.key = {"model", "writer " + std::to_string(writer), "nvml A"},
            .bytes = base::Bytes{count}};
}

bool write_one(Connection& connection, const store::Peak& what) {
    return connection.run("BEGIN IMMEDIATE") && store::sqlite::insert_peak(connection, what) &&
           connection.run("COMMIT");
}

// A process that does this and ends with 0 if it returns true.
pid_t start(const std::function<bool()>& work) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::alarm(600);  // should the test be killed
    ::_exit(work() ? 0 : 1);
}

int wait_for(pid_t pid) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return status;
}

std::vector<store::Peak> read_sound(const std::string& path) {
    auto opened = store::sqlite::open_store(path, kPatience);
    REQUIRE(opened);
    const auto verdict = (*opened)->text("PRAGMA integrity_check");
    REQUIRE(verdict);
    CHECK(*verdict == "ok");
    const auto peaks = store::sqlite::select_peaks(**opened);
    REQUIRE(peaks);
    return *peaks;
}

}  // namespace

TEST_CASE("[A3.10] 8 writers at once leave valid data, all of it") {
    constexpr int kWriters = 8;
    constexpr std::uint64_t kEach = 40;
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    std::vector<pid_t> pids;
    for (int writer = 0; writer < kWriters; ++writer) {
        pids.push_back(start([&path, writer] {
            auto opened = store::sqlite::open_store(path, kPatience);
            if (!opened) return false;
            for (std::uint64_t count = 1; count <= kEach; ++count) {
                if (!write_one(**opened, peak(writer, count))) return false;
            }
            return true;
        }));
        REQUIRE(pids.back() > 0);
    }
    for (const pid_t pid : pids) CHECK(wait_for(pid) == 0);
    const std::vector<store::Peak> peaks = read_sound(path);
    CHECK(peaks.size() == std::size_t{kWriters * kEach});
    for (int writer = 0; writer < kWriters; ++writer) {
        std::uint64_t next = 1;
        for (const store::Peak& one : peaks) {
            if (one.key == peak(writer, 1).key) CHECK(one == peak(writer, next++));
        }
        CHECK(next == kEach + 1);
    }
}

TEST_CASE("[A3.10] processes that open a new file at once all find it ready") {
    const ScratchDirectory folder;
    for (int round = 0; round < 10; ++round) {
        const std::string path = folder.file("windlass.db." + std::to_string(round));
        std::vector<pid_t> pids;
        for (int opener = 0; opener < 16; ++opener) {
            pids.push_back(start([&path] {
                const auto opened = store::sqlite::open_store(path, kPatience);
                if (!opened) std::fputs((opened.error().message + "\n").c_str(), stderr);
                return opened.has_value();
            }));
            REQUIRE(pids.back() > 0);
        }
        for (const pid_t pid : pids) CHECK(wait_for(pid) == 0);
        CHECK(read_sound(path).empty());
    }
}

TEST_CASE("a writer that is killed leaves valid data, with all that it was told is there") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    for (int round = 0; round < 10; ++round) {
        auto pipe = windlass::io::make_pipe();
        REQUIRE(pipe);
        const pid_t pid = start([&path, &pipe, round] {
            auto opened = store::sqlite::open_store(path, kPatience);
            if (!opened) return false;
            for (std::uint64_t count = 1;; ++count) {
                if (!write_one(**opened, peak(round, count))) return false;
                if (::write(pipe->write_end.number(), "x", 1) != 1) return false;
            }
        });
        REQUIRE(pid > 0);
        pipe->write_end.reset();
        // Lets it go on for a while that differs from round to round.
        std::size_t heard = 0;
        REQUIRE(::fcntl(pipe->read_end.number(), F_SETFL, 0) == 0);
        std::array<char, 64> bytes{};
        const auto listen = [&] {
            const ssize_t size = ::read(pipe->read_end.number(), bytes.data(), bytes.size());
            heard += size > 0 ? static_cast<std::size_t>(size) : 0;
            return size > 0;
        };
        while (heard < static_cast<std::size_t>(round + 1) * 5) REQUIRE(listen());
        REQUIRE(::kill(pid, SIGKILL) == 0);
        while (listen()) {  // what it said before it died
        }
        CHECK(WIFSIGNALED(wait_for(pid)));
        std::size_t kept = 0;
        for (const store::Peak& one : read_sound(path)) {
            if (one.key == peak(round, 1).key) ++kept;
        }
        CHECK(kept >= std::min(heard, store::Store::kPeaksMax));
    }
}
