// What a transaction adds to the log goes there in one write, and is there when it is over:
// whatever it was, and whether it was synced or not. The oracle is the files as the system has
// them, copied while the connection is open.
#include "store/sqlite/log_gatherer.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/testing/scratch_directory.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/testing/shim_disk.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
using base::testing::ScratchDirectory;
using windlass::store::sqlite::Connection;
using windlass::store::sqlite::testing::DiskChange;
using windlass::store::sqlite::testing::ShimDisk;

namespace {

class Log {
  public:
    Log() {
        auto opened = Connection::open(folder_.file("a.db"), 5s);
        REQUIRE(opened);
        connection_ = std::move(*opened);
        run("PRAGMA journal_mode=WAL");
        run("PRAGMA synchronous=FULL");
        run("CREATE TABLE row(id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
    }

    void run(const std::string& sql) {
        const auto done = connection_->run(sql.c_str());
        REQUIRE_MESSAGE(done, sql);
    }
    void insert(int count) {
        run(
            fmt::format("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                        "{}) INSERT INTO row(body) SELECT hex(randomblob(500)) FROM n",
                        count));
    }
    std::int64_t number(const std::string& sql) {
        const auto found = connection_->number(sql);
        REQUIRE(found);
        return *found;
    }
    Connection& connection() { return *connection_; }

    // What whoever comes after a `kill -9` at this moment would find.
    std::int64_t rows_in_files() {
        const ScratchDirectory copy;
        for (const char* name : {"a.db", "a.db-wal"})
            std::filesystem::copy_file(folder_.file(name), copy.file(name));
        const auto opened = Connection::open(copy.file("a.db"), 5s);
        REQUIRE(opened);
        CHECK((*opened)->text("PRAGMA integrity_check").value_or("") == "ok");
        return (*opened)->number("SELECT count(*) FROM row").value_or(-1);
    }

  private:
    const ScratchDirectory folder_;
    std::unique_ptr<Connection> connection_;
};

std::int64_t count_writes(const ShimDisk& disk) {
    return std::ranges::count_if(disk.changes(), [](const DiskChange& change) {
        return change.kind == DiskChange::Kind::write && change.path.ends_with("-wal");
    });
}

}  // namespace

TEST_CASE("the pages of a transaction are one write") {
    const ShimDisk disk;
    Log log;
    log.insert(1);
    const auto before = count_writes(disk);
    log.insert(20);  // some six pages
    CHECK(log.connection().log_pages() > 5);
    CHECK(count_writes(disk) - before == 1);
    log.run("UPDATE row SET body = '' WHERE id = 1");  // one page: its header, and itself
    CHECK(count_writes(disk) - before <= 3);
}

TEST_CASE("a transaction that is over is in the files") {
    Log log;
    SUBCASE("synced") { log.insert(100); }
    SUBCASE("not synced") {
        log.run("PRAGMA synchronous=NORMAL");
        log.insert(100);
    }
    SUBCASE("of one page") {
        log.run("PRAGMA synchronous=NORMAL");
        log.insert(99);
        log.insert(1);
    }
    SUBCASE("larger than what is held back, and than SQLite holds itself") {
        log.run("PRAGMA cache_size=10");
        log.run("PRAGMA synchronous=NORMAL");
        log.insert(10'000);
        CHECK(log.rows_in_files() == 10'000);
        log.run("DELETE FROM row WHERE id > 100");
    }
    SUBCASE("whose pages went to the log more than once") {
        log.run("PRAGMA cache_size=10");
        log.run("PRAGMA synchronous=NORMAL");
        log.run("BEGIN");
        log.insert(1'000);
        for (int i = 0; i < 3; ++i) log.run("UPDATE row SET body = hex(randomblob(500))");
        CHECK(log.number("SELECT count(*) FROM row") == 1'000);
        log.run("DELETE FROM row WHERE id > 100");
        log.run("COMMIT");
    }
    SUBCASE("behind one that was given up") {
        log.insert(50);
        log.run("PRAGMA cache_size=10");
        log.run("BEGIN");
        log.insert(1'000);
        log.run("ROLLBACK");
        log.run("PRAGMA synchronous=NORMAL");
        log.insert(50);
    }
    SUBCASE("after the log began anew") {
        log.insert(50);
        REQUIRE(log.connection().checkpoint());
        log.run("PRAGMA synchronous=NORMAL");
        log.insert(50);
    }
    CHECK(log.rows_in_files() == 100);
    CHECK(log.number("SELECT count(*) FROM row") == 100);
}

TEST_CASE("what a transaction that was rolled back had for the log is never written") {
    const ShimDisk disk;
    Log log;
    log.insert(10);
    log.run("PRAGMA cache_size=10");
    log.run("BEGIN");
    log.insert(300);  // more than is kept in memory, less than is held back
    const auto before = count_writes(disk);
    log.connection().roll_back();
    CHECK(log.number("SELECT count(*) FROM row") == 10);
    CHECK(log.rows_in_files() == 10);
    CHECK(count_writes(disk) == before);
}

TEST_CASE("a write that fails is that of its transaction, and nothing is written later") {
    ShimDisk disk;
    Log log;
    log.insert(10);
    const auto before = count_writes(disk);
    disk.fail_at(1, ENOSPC);
    CHECK_FALSE(log.connection().run("INSERT INTO row(body) SELECT hex(randomblob(9000))"));
    CHECK(disk.has_failed());
    CHECK(log.number("SELECT count(*) FROM row") == 10);
    log.insert(10);
    CHECK(count_writes(disk) - before == 1);
    CHECK(log.rows_in_files() == 20);
}
