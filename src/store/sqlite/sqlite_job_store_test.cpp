// Jobs in a file, under the contract of all.
#include "store/sqlite/sqlite_job_store.h"

#include <doctest/doctest.h>

#include "base/testing/scratch_directory.h"
#include "store/sqlite/sqlite_store.h"
#include "store/testing/job_contract.h"

namespace io = windlass::io;
namespace store = windlass::store;
using store::sqlite::SqliteStore;
using windlass::base::testing::ScratchDirectory;

TEST_CASE("[A4.3] [A4.7] [A4.8] jobs in a file keep the contract of jobs") {
    const ScratchDirectory folder;
    store::testing::check_job_contract([&folder](io::Loop& loop, const std::string& name,
                                                 store::testing::WallClock clock) {
        auto made = SqliteStore::make(loop, folder.file(name), {.clock = std::move(clock)});
        REQUIRE(made);
        // Its thread must have let go of the file before another opens it, or a process is forked.
        const std::shared_ptr<SqliteStore> owner{made->release(), [](SqliteStore* over) {
                                                     CHECK(over->finish(std::chrono::seconds{60}));
                                                     delete over;
                                                 }};
        return std::shared_ptr<store::JobStore>{owner, &owner->jobs()};
    });
}

// Only after the answer to begin() it is known which ids are free.
TEST_CASE("submissions that come while the store begins get ids of their own") {
    const ScratchDirectory folder;
    io::Loop loop;
    auto made = SqliteStore::make(loop, folder.file("windlass.db"));
    REQUIRE(made);
    SqliteStore& store = **made;
    store::JobStore& jobs = store.jobs();
    std::vector<store::JobId> told;
    const auto note = [&told](const auto& taken) {
        REQUIRE(taken);
        told.push_back(taken->job);
    };
    CHECK_FALSE(jobs.reserve());
    jobs.begin([](const auto& started) { CHECK(started); });
    for (int i = 0; i < 3; ++i) jobs.submit({.model = "m"}, 100, note);
    CHECK_FALSE(jobs.reserve());
    REQUIRE(store.settle(std::chrono::seconds{60}));
    const store::JobId reserved = jobs.reserve();
    for (int i = 0; i < 2; ++i) jobs.submit({.model = "m"}, 100, note);
    jobs.submit({.model = "m", .id = reserved}, 100, note);
    REQUIRE(store.settle(std::chrono::seconds{60}));
    const auto job = [](std::uint64_t id) { return store::JobId{id}; };
    CHECK(told == std::vector{job(1), job(2), job(3), job(5), job(6), job(4)});
    CHECK(store.finish(std::chrono::seconds{60}));
}
