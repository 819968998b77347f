// The store in a file: the contract of all stores, a second start, files that cannot be used, and
// many orders at once.
#include "store/sqlite/sqlite_store.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/testing/scratch_directory.h"
#include "store/sqlite/schema.h"
#include "store/testing/event_contract.h"
#include "store/testing/store_contract.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace io = windlass::io;
namespace store = windlass::store;
using base::Errc;
using base::testing::ScratchDirectory;
using store::sqlite::SqliteStore;
using store::testing::peak;
using store::testing::read;
using store::testing::remember;

namespace {

std::unique_ptr<store::Store> open(io::Loop& loop, const std::string& path) {
    auto opened = SqliteStore::make(loop, path);
    REQUIRE(opened);
    return std::move(*opened);
}

// What the first order is told.
base::Error first_error(const std::string& path) {
    io::Loop loop;
    const auto store = open(loop, path);
    std::optional<base::Error> error;
    store->read_peaks([&](const auto& result) {
        REQUIRE_FALSE(result);
        error = result.error();
    });
    std::size_t count = 0;
    store->remember_peak(peak("a", 1), [&](const auto& result) {
        CHECK(result.error() == error);
        ++count;
    });
    REQUIRE(store->finish(30s));
    CHECK(count == 1);
    return error.value_or(base::Error{});
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream{path, std::ios::binary} << text;
}

void run_sql(const std::string& path, const char* sql) {
    const auto connection = store::sqlite::Connection::open(path, 5s);
    REQUIRE(connection);
    REQUIRE((*connection)->run(sql));
}

std::string read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

TEST_CASE("a store in a file keeps the contract of stores") {
    const ScratchDirectory folder;
    const store::testing::MakeStore make = [&](io::Loop& loop, const std::string& name) {
        return open(loop, folder.file(name));
    };
    SUBCASE("what is kept") { store::testing::check_what_is_kept(make); }
    SUBCASE("answers") { store::testing::check_answers(make); }
    SUBCASE("events are kept") { store::testing::check_events_are_kept(make); }
    SUBCASE("events are found") { store::testing::check_events_are_found(make); }
}

TEST_CASE("[A3.10] a second start finds what the first has stored") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    io::Loop loop;
    {
        const auto first = open(loop, path);
        remember(*first, peak("a", 1));
        remember(*first, peak("b", 2));
        REQUIRE(first->finish(30s));
    }
    CHECK_FALSE(std::filesystem::exists(path + "-wal"));  // it was closed in order
    CHECK(read(*open(loop, path)) == std::vector{peak("a", 1), peak("b", 2)});
}

TEST_CASE("what was ordered before the end is carried out") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    io::Loop loop;
    {
        const auto first = open(loop, path);
        std::size_t count_kept = 0;
        for (std::uint64_t count = 1; count <= 50; ++count) {
            first->remember_peak(peak("a", count), [&](const auto& kept) { count_kept += !!kept; });
        }
        CHECK(first->finish(30s));
        CHECK(count_kept == 50);
        CHECK_FALSE(std::filesystem::exists(path + "-wal"));
    }
    CHECK(read(*open(loop, path)).size() == 50);
}

TEST_CASE("a store that is gone answers nobody") {
    const ScratchDirectory folder;
    io::Loop loop;
    auto gone = open(loop, folder.file("windlass.db"));
    gone->forget_peaks({}, [](const auto&) { FAIL("answered"); });
    gone.reset();
    io::testing::run_turn(loop);
}

TEST_CASE("what is one order too many is refused, and no other") {
    using store::sqlite::OrderThread;
    const ScratchDirectory folder;
    io::Loop loop;
    const auto store = open(loop, folder.file("windlass.db"));
    std::size_t done = 0;
    std::optional<base::Error> refusal;
    for (std::size_t count = 0; count <= OrderThread::kOrdersMax; ++count) {
        store->forget_peaks({}, [&](const base::Result<void>& result) {
            ++done;
            if (!result) refusal = result.error();
        });
    }
    CHECK(done == 0);
    REQUIRE(store->settle(60s));
    CHECK(done == OrderThread::kOrdersMax + 1);
    REQUIRE(refusal);
    CHECK(refusal.value_or(base::Error{}).reason == "store_late");
    remember(*store, peak("a", 1));
    CHECK(read(*store).size() == 1);
}

TEST_CASE("trouble with the file that is over is forgotten") {
    const ScratchDirectory folder;
    const std::string path = folder.file("later/windlass.db");
    io::Loop loop;
    auto opened = SqliteStore::make(loop, path, {.reopen_after = 0s});
    REQUIRE(opened);
    store::Store& store = **opened;
    const auto outcome = [&store] {
        base::Result<void> told;
        store.remember_peak(peak("a", 1), [&](auto result) { told = std::move(result); });
        REQUIRE(store.settle(30s));
        return told;
    };
    CHECK_FALSE(outcome());
    CHECK_FALSE(outcome());
    REQUIRE(std::filesystem::create_directory(folder.file("later")));
    CHECK(outcome());
    CHECK(read(store).size() == 1);
}

TEST_CASE("the file and what is beside it are for its owner only") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    const auto mode_of = [](const std::string& file) {
        struct stat status {};
        REQUIRE(::stat(file.c_str(), &status) == 0);
        return status.st_mode & 0777;
    };
    io::Loop loop;
    {
        const auto made = open(loop, path);
        remember(*made, peak("a", 1));
        REQUIRE(made->settle(30s));
        for (const char* end : {"", "-wal", "-shm"}) CHECK(mode_of(path + end) == 0600);
        REQUIRE(made->finish(30s));
    }
    REQUIRE(::chmod(path.c_str(), 0664) == 0);
    CHECK(read(*open(loop, path)).size() == 1);
    CHECK(mode_of(path) == 0600);
}

TEST_CASE("a file that is damaged, or another program's, is told and not touched") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    SUBCASE("text") { write_file(path, std::string(8192, 'x')); }
    SUBCASE("another's database") { run_sql(path, "CREATE TABLE theirs(a)"); }
    SUBCASE("another's mark") { run_sql(path, "PRAGMA application_id=7; CREATE TABLE peak(a)"); }
    const std::string before = read_file(path);
    const base::Error error = first_error(path);
    CHECK(error.code == Errc::data_corrupt);
    CHECK(error.message.find(path) != std::string::npos);
    CHECK(error.message.find("move it away") != std::string::npos);
    CHECK(read_file(path) == before);
}

TEST_CASE("a file of a newer version is told and not touched") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    io::Loop loop;
    REQUIRE(open(loop, path)->finish(30s));
    run_sql(path, "PRAGMA user_version=1000");
    const std::string before = read_file(path);
    const base::Error error = first_error(path);
    CHECK(error.code == Errc::unsupported);
    CHECK(error.message.find("newer version") != std::string::npos);
    CHECK(read_file(path) == before);
}

TEST_CASE("a path that cannot be a file is told") {
    const ScratchDirectory folder;
    CHECK(first_error(folder.path).reason == "store_failed");
    CHECK(first_error(folder.file("none/windlass.db")).reason == "store_failed");
    if (::geteuid() == 0) return;  // who may do everything is refused nothing
    write_file(folder.file("closed.db"), "");
    REQUIRE(::chmod(folder.file("closed.db").c_str(), 0400) == 0);
    CHECK(first_error(folder.file("closed.db")).code == Errc::permission_denied);
}

TEST_CASE("damage behind the first page is found by whoever was cut off") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    io::Loop loop;
    {
        const auto made = open(loop, path);
        for (std::uint64_t count = 1; count <= 90; ++count) remember(*made, peak("a", count));
        REQUIRE(made->finish(30s));
    }
    std::string bytes = read_file(path);
    REQUIRE(bytes.size() > 8192);
    std::fill(bytes.begin() + 4096, bytes.begin() + 8192, '\x5a');
    write_file(path, bytes);
    write_file(path + "-wal", "x");
    CHECK(first_error(path).code == Errc::data_corrupt);
}

TEST_CASE("a full disk fails what it must, and later orders succeed again") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    auto opened = store::sqlite::open_store(path, 5s);
    REQUIRE(opened);
    store::sqlite::Connection& connection = **opened;
    REQUIRE(connection.run("CREATE TABLE filler(bytes)"));
    const auto pages = connection.number("PRAGMA page_count");
    REQUIRE(pages);
    const auto limit = [&](std::int64_t count) {
        REQUIRE(connection.number("PRAGMA max_page_count=" + std::to_string(count)));
    };
    limit(*pages);
    const auto filled = connection.run("INSERT INTO filler VALUES(zeroblob(100000))");
    REQUIRE_FALSE(filled);
    CHECK(filled.error().code == Errc::unavailable);
    CHECK(filled.error().reason == "disk_full");
    CHECK(filled.error().message.find(path) != std::string::npos);
    limit(10'000);
    CHECK(connection.run("INSERT INTO filler VALUES(zeroblob(100000))"));
}

TEST_CASE("numbers of events go on after a restart") {
    const ScratchDirectory folder;
    io::Loop loop;
    {
        const auto first = open(loop, folder.file("windlass.db"));
        store::testing::append(*first, {store::testing::event("a"), store::testing::event("b")});
        // All are deleted, and their numbers are still known.
        store::testing::append(*first, {}, {.count_max = 1, .oldest_ms = 9'000});
        REQUIRE(first->finish(30s));
    }
    const auto second = open(loop, folder.file("windlass.db"));
    CHECK(store::testing::append(*second, {store::testing::event("c")})[0].number == 3);
}

TEST_CASE("a needle in many events is found in steps, from either end") {
    const ScratchDirectory folder;
    io::Loop loop;
    const auto store = open(loop, folder.file("windlass.db"));
    std::vector<base::EventRecord> events(45'000, store::testing::event("hay"));
    events[100].code = "low";
    events[44'900].code = "high";
    store::testing::append(*store, std::move(events));
    const auto find = [&](const char* code, std::optional<std::uint64_t> after) {
        return store::testing::numbers(
            store::testing::read_events(*store, {.filter = {.code = code}, .after = after}));
    };
    CHECK(find("low", std::nullopt) == store::testing::Numbers{101});
    CHECK(find("high", std::nullopt) == store::testing::Numbers{44'901});
    CHECK(find("low", 0) == store::testing::Numbers{101});
    CHECK(find("high", 0) == store::testing::Numbers{44'901});
    CHECK(find("none", std::nullopt).empty());
    CHECK(find("none", 0).empty());
}

TEST_CASE("many orders share a transaction") {
    const ScratchDirectory folder;
    io::Loop loop;
    const auto store = open(loop, folder.file("windlass.db"));
    CHECK(read(*store).empty());
    for (int number = 0; number < 5'000; ++number) {
        remember(*store, peak("model " + std::to_string(number % 50), 1));
    }
    CHECK(read(*store).size() == 5'000);
}
