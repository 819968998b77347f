// Settings, identity and migrations of the file.
#include "store/sqlite/schema.h"

#include <fmt/core.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <vector>

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
    // Jobs. A state is written together with the row of its hot table: `due` for scheduled, `ready`
    // for available, `lease` for running.
    "CREATE TABLE life("  // one row: how often a daemon began, and so which attempts may come
    "  only INTEGER PRIMARY KEY CHECK(only = 1),"
    "  incarnation INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO life VALUES(1, 0);"
    "CREATE TABLE queue("
    "  id INTEGER PRIMARY KEY,"
    "  model TEXT NOT NULL UNIQUE,"
    "  clock INTEGER NOT NULL"  // the highest rank that was dispatched
    ") STRICT;"
    "CREATE TABLE flow("
    "  queue INTEGER NOT NULL,"
    "  tenant TEXT NOT NULL,"
    "  priority INTEGER NOT NULL,"
    "  tail INTEGER NOT NULL,"  // its last rank
    "  PRIMARY KEY(queue, tenant, priority)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE tally("
    "  queue INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  count INTEGER NOT NULL CHECK(count >= 0),"
    "  PRIMARY KEY(queue, state)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE job("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  queue INTEGER NOT NULL,"
    "  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 6),"  // as JobState; 4 on: finished
    "  variant TEXT NOT NULL,"
    "  tenant TEXT NOT NULL,"
    "  priority INTEGER NOT NULL,"
    "  submitted_ms INTEGER NOT NULL,"  // since 1970, as all others
    "  available_ms INTEGER,"           // since when it waits for its turn
    "  due_ms INTEGER,"
    "  rank INTEGER,"
    "  deadline_ms INTEGER,"
    "  run_timeout_ms INTEGER,"
    "  stall_timeout_ms INTEGER,"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  failures INTEGER NOT NULL DEFAULT 0,"
    "  failures_max INTEGER NOT NULL,"
    "  crashes INTEGER NOT NULL DEFAULT 0,"
    "  crashes_max INTEGER NOT NULL,"
    "  held INTEGER,"    // as HoldCause
    "  reason INTEGER,"  // as FailReason
    "  finished_ms INTEGER,"
    "  key TEXT NOT NULL,"  // empty: none
    "  request_hash INTEGER NOT NULL,"
    "  content_type TEXT NOT NULL,"
    "  input_bytes INTEGER NOT NULL,"
    "  settings TEXT NOT NULL,"
    "  progress TEXT NOT NULL DEFAULT '',"
    "  error TEXT,"  // of the last attempt that had one, as the next three
    "  message TEXT,"
    "  cause TEXT,"
    "  traceback TEXT,"
    "  CHECK((state >= 4) = (finished_ms IS NOT NULL))"
    ") STRICT;"
    // In the order of submission, so that random keys cost no more than others.
    "CREATE INDEX job_keyed ON job(id, key) WHERE key <> '';"
    "CREATE INDEX job_held ON job(id) WHERE state = 2;"
    "CREATE INDEX job_over ON job(state, id) WHERE finished_ms IS NOT NULL;"
    "CREATE INDEX job_finished ON job(state, finished_ms) WHERE finished_ms IS NOT NULL;"
    "CREATE INDEX job_deadline ON job(deadline_ms) WHERE deadline_ms IS NOT NULL AND state < 3;"
    "CREATE TABLE input(job INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE result("
    "  job INTEGER PRIMARY KEY,"
    "  content_type TEXT NOT NULL,"
    "  body BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE ready("
    "  queue INTEGER NOT NULL,"
    "  rank INTEGER NOT NULL,"
    "  job INTEGER NOT NULL,"
    "  PRIMARY KEY(queue, rank, job)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE due("
    "  at_ms INTEGER NOT NULL,"
    "  job INTEGER NOT NULL,"
    "  PRIMARY KEY(at_ms, job)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE lease("
    "  job INTEGER PRIMARY KEY,"
    "  attempt INTEGER NOT NULL,"
    "  started_ms INTEGER NOT NULL,"
    "  queue_ms INTEGER NOT NULL,"
    "  stopping INTEGER,"  // as StopCause
    "  progress TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE attempt("
    "  job INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  attempt INTEGER NOT NULL,"
    "  end INTEGER NOT NULL,"  // as AttemptEnd
    "  started_ms INTEGER NOT NULL,"
    "  ended_ms INTEGER NOT NULL,"
    "  queue_ms INTEGER NOT NULL,"
    "  load_us INTEGER,"
    "  run_us INTEGER,"
    "  worker TEXT NOT NULL,"
    "  settings TEXT NOT NULL,"
    "  progress TEXT NOT NULL,"
    "  evidence TEXT NOT NULL,"
    "  error TEXT,"
    "  message TEXT,"
    "  cause TEXT,"
    "  traceback TEXT,"
    "  PRIMARY KEY(job, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE death("  // of a daemon, while it ran the job
    "  job INTEGER NOT NULL,"
    "  incarnation INTEGER NOT NULL,"
    "  at_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(job, incarnation)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE slice("         // of statistics
    "  number INTEGER NOT NULL,"  // of ten minutes since 1970
    "  queue INTEGER NOT NULL,"
    "  counts TEXT NOT NULL,"
    "  queue_times BLOB NOT NULL,"  // as TimeSketch
    "  load_times BLOB NOT NULL,"
    "  run_times BLOB NOT NULL,"
    "  PRIMARY KEY(number, queue)"
    ") STRICT, WITHOUT ROWID;",
    // Somebody wants it cancelled, whatever else it was stopped for.
    "ALTER TABLE lease ADD COLUMN unwanted INTEGER NOT NULL DEFAULT 0 CHECK(unwanted IN (0, 1));",
};

// Who closes the file in order leaves nothing beside it.
bool has_journal(const std::string& path) {
    std::error_code none;
    const auto size = std::filesystem::file_size(path + "-wal", none);
    return !none && size > 0;
}

// A second's worth of reading is looked at whole. Of more, what says where jobs stand: nobody shall
// wait for the rest, whose pages are checked as they are read.
base::Result<void> check_sound(Connection& connection) {
    constexpr std::int64_t kPagesMax = 32'768;
    const std::int64_t pages = WL_TRY(connection.number("PRAGMA page_count"));
    const std::int64_t version = WL_TRY(connection.number("PRAGMA user_version"));
    std::vector<std::string> checks = {"PRAGMA quick_check(1)"};
    constexpr std::int64_t kWithJobs = 3;  // the first layout that has them
    if (pages > kPagesMax && version >= kWithJobs) {
        checks.clear();
        for (const char* table : {"life", "queue", "flow", "tally", "due", "lease", "ready"}) {
            checks.push_back(fmt::format("PRAGMA quick_check({})", table));
        }
    }
    for (const std::string& check : checks) {
        const std::string verdict = WL_TRY(connection.text(check));
        if (verdict != "ok") return make_damage_error(connection.path(), verdict);
    }
    return {};
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

// Who was cut off may have seen an fsync fail, after which the log can be in memory only, though it
// reads well. So it is written once more; only then what it holds goes to the file: an older log on
// the disk beside a newer file would spoil that. Where another process has the file open too, it is
// not waited for.
base::Result<void> write_anew(Connection& connection, base::Duration patience) {
    WL_TRY(connection.run("BEGIN IMMEDIATE"));
    const base::Result<void> written = connection.write_log_anew();
    connection.roll_back();
    WL_TRY(written);
    const auto patience_ms = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
    WL_TRY(connection.run("PRAGMA busy_timeout=0"));
    WL_TRY(connection.run("PRAGMA wal_checkpoint(TRUNCATE)"));
    return connection.run(fmt::format("PRAGMA busy_timeout={}", patience_ms.count()).c_str());
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
    // Debian's SQLite writes each freed page anew, with zeros: to delete would need room.
    WL_TRY(connection->run("PRAGMA secure_delete=FAST"));
    if (was_cut_off) {
        WL_TRY(check_sound(*connection));
        WL_TRY(write_anew(*connection, patience));
    }
    WL_TRY(connection->run("BEGIN IMMEDIATE"));
    if (auto prepared = prepare(*connection); !prepared) {
        connection->roll_back();
        return std::move(prepared).error();
    }
    return connection;
}

}  // namespace windlass::store::sqlite
