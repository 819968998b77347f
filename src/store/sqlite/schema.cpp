// Settings, identity and migrations of the file.
#include "store/sqlite/schema.h"

#include <fmt/core.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "store/sqlite/sqlite_error.h"

namespace windlass::store::sqlite {
namespace {

// "Wind", in the header of the file, where file(1) and we look: whose it is.
constexpr std::int64_t kApplication = 0x57696e64;

constexpr std::array kMigrations = {
    "CREATE TABLE peak("
    "  seq INTEGER PRIMARY KEY,"  // in the order of arrival
    "  model TEXT NOT NULL,"
    "  variant TEXT NOT NULL,"
    "  make TEXT NOT NULL,"
    "  bytes INTEGER NOT NULL CHECK(bytes > 0)"
    ") STRICT;"
    "CREATE INDEX peak_of ON peak(model, variant, make, seq);",
    "CREATE TABLE event("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"  // which never gives one again
    "  time_ms INTEGER NOT NULL,"                  // since 1970
    "  level INTEGER NOT NULL,"                    // 0 debug to 3 error
    "  code TEXT NOT NULL,"
    "  model TEXT NOT NULL,"  // empty, as the three others: none
    "  job TEXT NOT NULL,"
    "  worker INTEGER,"
    "  pid INTEGER,"
    "  device TEXT NOT NULL,"
    "  request TEXT NOT NULL,"
    "  fields TEXT NOT NULL"  // JSON
    ") STRICT;",
};

// Who closes the file in order leaves nothing beside it.
bool has_journal(const std::string& path) {
    std::error_code none;
    const auto size = std::filesystem::file_size(path + "-wal", none);
    return !none && size > 0;
}

base::Result<void> check_sound(Connection& connection) {
    const std::string verdict = WL_TRY(connection.text("PRAGMA quick_check(1)"));
    if (verdict == "ok") return {};
    return make_damage_error(connection.path(), verdict);
}

// Another's database is not ours to change.
base::Result<void> check_owner(Connection& connection) {
    // In this order: another process of ours may just be making both, in one transaction.
    const std::int64_t tables = WL_TRY(connection.number("SELECT count(*) FROM sqlite_schema"));
    const std::int64_t application = WL_TRY(connection.number("PRAGMA application_id"));
    if (application == kApplication || (application == 0 && tables == 0)) return {};
    return base::fail(
        base::Errc::data_corrupt,
        fmt::format("the file {} is the database of another program (application id {}, {} entries "
                    "in its schema); set another state_dir under [daemon], or move it away and "
                    "restart the daemon",
                    connection.path(), application, tables));
}

// In one transaction, so that of several who open it one migrates and the others find it done.
base::Result<void> migrate(Connection& connection) {
    constexpr auto kKnown = static_cast<std::int64_t>(kMigrations.size());
    const std::int64_t version = WL_TRY(connection.number("PRAGMA user_version"));
    if (version > kKnown) {
        return base::fail(
            base::Errc::unsupported,
            fmt::format("the file {} was written by a newer version of Windlass (its layout has "
                        "the number {}, this version knows those up to {}); use that version, or "
                        "set another state_dir under [daemon]",
                        connection.path(), version, kKnown));
    }
    for (std::int64_t next = version; next < kKnown; ++next) {
        WL_TRY(connection.run(kMigrations[static_cast<std::size_t>(next)]));
    }
    if (version == kKnown) return {};
    return connection.run(
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplication, kKnown)
            .c_str());
}

// Of several processes that turn the log on at once SQLite refuses some without a wait, for fear of
// a deadlock. A lock for writing is waited for: whoever has had it asks again.
// https://sqlite.org/c3ref/busy_handler.html
base::Result<std::string> turn_on_log(Connection& connection, base::Duration patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        auto mode = connection.text("PRAGMA journal_mode=WAL");
        const bool is_refused = !mode && mode.error().reason == "store_busy";
        if (!is_refused || std::chrono::steady_clock::now() >= deadline) return mode;
        WL_TRY(connection.run("BEGIN IMMEDIATE; COMMIT"));
    }
}

base::Error no_log_error(const std::string& path) {
    base::Error error = base::fail(
        base::Errc::unavailable,
        fmt::format("the file system of {} (of a network, perhaps) cannot share memory between "
                    "processes, which SQLite's log needs; set another state_dir under [daemon]",
                    path));
    error.reason = "store_failed";
    return error;
}

base::Result<void> prepare(Connection& connection) {
    WL_TRY(check_owner(connection));
    WL_TRY(migrate(connection));
    return connection.run("COMMIT");
}

}  // namespace

std::span<const char* const> migrations() { return kMigrations; }

base::Result<std::unique_ptr<Connection>> open_store(const std::string& path,
                                                     base::Duration patience) {
    const bool was_cut_off = has_journal(path);
    std::unique_ptr<Connection> connection = WL_TRY(Connection::open(path, patience));
    WL_TRY(check_owner(*connection));
    // Writers append to a log, so that one fsync makes a transaction durable and readers are not
    // held up. https://sqlite.org/wal.html
    const std::string mode = WL_TRY(turn_on_log(*connection, patience));
    if (mode != "wal") return no_log_error(path);
    WL_TRY(connection->run("PRAGMA synchronous=FULL"));
    if (was_cut_off) WL_TRY(check_sound(*connection));
    WL_TRY(connection->run("BEGIN IMMEDIATE"));
    if (auto prepared = prepare(*connection); !prepared) {
        connection->roll_back();
        return std::move(prepared).error();
    }
    return connection;
}

}  // namespace windlass::store::sqlite
