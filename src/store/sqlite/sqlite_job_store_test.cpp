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
