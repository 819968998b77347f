// Calls of the C interface, https://sqlite.org/c3ref/intro.html.
#include "store/sqlite/connection.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "io/file_descriptor.h"
#include "store/sqlite/sqlite_error.h"

namespace windlass::store::sqlite {
namespace {

base::Error error_of(sqlite3* database, const std::string& path) {
    return make_error({.path = path,
                       .code = sqlite3_extended_errcode(database),
                       .errno_value = sqlite3_system_errno(database),
                       .text = sqlite3_errmsg(database)});
}

// SQLite would make it as the umask says; its journal and its index get the mode of the file.
base::Result<void> make_private(const std::string& path) {
    const io::FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!file) return make_open_error(path, errno);
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) return make_open_error(path, errno);
    if (!S_ISREG(status.st_mode)) return make_kind_error(path);
    if ((status.st_mode & 0077) == 0) return {};
    if (::fchmod(file.number(), 0600) != 0) return make_open_error(path, errno);
    for (const char* beside : {"-wal", "-shm"}) {
        ::chmod((path + beside).c_str(), 0600);  // there is none, mostly
    }
    return {};
}

}  // namespace

// --- statements

// Both report the failure of the last step once more.
void Statement::Release::operator()(sqlite3_stmt* statement) const {
    if (in_use == nullptr) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    *in_use = false;
}

Statement& Statement::bind(std::string_view text) {
    // No text has no address, which SQLite would take for NULL.
    const char* const begin = text.empty() ? "" : text.data();
    const int code = sqlite3_bind_text64(statement_.get(), ++bound_count_, begin, text.size(),
                                         SQLITE_STATIC, SQLITE_UTF8);
    if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
    return *this;
}

Statement& Statement::bind(std::int64_t number) {
    const int code = sqlite3_bind_int64(statement_.get(), ++bound_count_, number);
    if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
    return *this;
}

Statement& Statement::bind(std::optional<std::int64_t> number) {
    if (number) return bind(*number);
    const int code = sqlite3_bind_null(statement_.get(), ++bound_count_);
    if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
    return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
    const char* const begin = bytes.empty() ? "" : bytes.data();
    const int code =
        sqlite3_bind_blob64(statement_.get(), ++bound_count_, begin, bytes.size(), SQLITE_STATIC);
    if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
    return *this;
}

base::Result<void> Statement::run() {
    while (WL_TRY(step())) {
    }
    return {};
}

base::Result<bool> Statement::step() {
    sqlite3* const database = sqlite3_db_handle(statement_.get());
    if (bind_failure_ != SQLITE_OK) return error_of(database, *path_);
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return error_of(database, *path_);
}

std::string Statement::text(int column) const {
    const unsigned char* const begin = sqlite3_column_text(statement_.get(), column);
    if (begin == nullptr) return {};
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return {begin, begin + size};
}

std::string Statement::blob(int column) const {
    const void* const begin = sqlite3_column_blob(statement_.get(), column);
    if (begin == nullptr) return {};
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return {static_cast<const char*>(begin), size};
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::int64_t> Statement::optional_number(int column) const {
    if (sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) return std::nullopt;
    return number(column);
}

// --- connections

void Connection::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Connection::~Connection() = default;

base::Result<std::unique_ptr<Connection>> Connection::open(std::string path,
                                                           base::Duration patience) {
    WL_TRY(make_private(path));
    // Counting what it allocates would take a lock for each piece. Too late once SQLite is in use,
    // and then refused.
    static const int counting = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(counting);
    std::unique_ptr<Connection> connection{new Connection{std::move(path)}};
    sqlite3* database = nullptr;
    const int code =
        sqlite3_open_v2(connection->path_.c_str(), &database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                        connection->log_.name());
    connection->database_.reset(database);
    if (database == nullptr) {
        return base::fail(base::Errc::host_out_of_memory, "no memory is left to open the file " +
                                                              connection->path_ +
                                                              "; free some on this machine");
    }
    if (code != SQLITE_OK) return error_of(database, connection->path_);
    const auto patience_ms = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
    sqlite3_busy_timeout(database, static_cast<int>(patience_ms.count()));
    // A damaged file must not be able to make things worse.
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // In place of SQLite's own, which checkpoints and hides what came of it.
    const auto note_pages = [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Connection*>(self)->log_pages_ = pages;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(database, note_pages, connection.get());
    return connection;
}

base::Result<Statement> Connection::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        &statement, nullptr);
    if (code != SQLITE_OK) return error_of(database_.get(), path_);
    return Statement{statement, nullptr, path_};
}

base::Result<Statement> Connection::kept(std::string_view sql) {
    Kept& kept = kept_[sql.data()];
    if (kept.in_use) return prepare(sql);
    if (!kept.statement) {
        sqlite3_stmt* statement = nullptr;
        const int code =
            sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                               SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        if (code != SQLITE_OK) return error_of(database_.get(), path_);
        kept.statement.reset(statement);
    }
    kept.in_use = true;
    return Statement{kept.statement.get(), &kept.in_use, path_};
}

std::vector<std::string> Connection::kept_texts() const {
    std::vector<std::string> texts;
    texts.reserve(kept_.size());
    for (const auto& [at, kept] : kept_) {
        if (kept.statement) texts.emplace_back(sqlite3_sql(kept.statement.get()));
    }
    return texts;
}

std::int64_t Connection::changed_count() const { return sqlite3_changes64(database_.get()); }

std::int64_t Connection::last_rowid() const { return sqlite3_last_insert_rowid(database_.get()); }

base::Result<void> Connection::run(const char* sql) {
    if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return error_of(database_.get(), path_);
}

base::Result<std::int64_t> Connection::number(std::string_view sql) {
    Statement statement = WL_TRY(prepare(sql));
    const bool has_row = WL_TRY(statement.step());
    return has_row ? statement.number(0) : 0;
}

base::Result<std::string> Connection::text(std::string_view sql) {
    Statement statement = WL_TRY(prepare(sql));
    const bool has_row = WL_TRY(statement.step());
    return has_row ? statement.text(0) : std::string{};
}

void Connection::roll_back() {
    log_.forget();
    // Some failures have done it already; another one would be an error then.
    if (sqlite3_get_autocommit(database_.get()) != 0) return;
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

base::Result<void> Connection::checkpoint() {
    const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                               nullptr, nullptr);
    if (code == SQLITE_OK || code == SQLITE_BUSY) return {};
    return error_of(database_.get(), path_);
}

base::Result<void> Connection::write_log_anew() {
    sqlite3_file* log = nullptr;
    sqlite3_file_control(database_.get(), nullptr, SQLITE_FCNTL_JOURNAL_POINTER,
                         static_cast<void*>(&log));
    if (log == nullptr || log->pMethods == nullptr) return {};
    const auto check = [this](int code) -> base::Result<void> {
        if (code == SQLITE_OK) return {};
        return make_error({.path = path_, .code = code, .text = sqlite3_errstr(code)});
    };
    sqlite3_int64 size = 0;
    WL_TRY(check(log->pMethods->xFileSize(log, &size)));
    std::array<char, 65'536> bytes{};
    for (sqlite3_int64 at = 0; at < size; at += std::ssize(bytes)) {
        const int count = static_cast<int>(std::min<sqlite3_int64>(std::ssize(bytes), size - at));
        WL_TRY(check(log->pMethods->xRead(log, bytes.data(), count, at)));
        WL_TRY(check(log->pMethods->xWrite(log, bytes.data(), count, at)));
    }
    return check(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
}

base::Result<bool> Connection::empty_log() {
    const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                               nullptr, nullptr);
    if (code == SQLITE_OK) return true;
    if (code == SQLITE_BUSY) return false;
    return error_of(database_.get(), path_);
}

void Connection::abandon() {
    sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace windlass::store::sqlite
