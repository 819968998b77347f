// Calls of the C interface, https://sqlite.org/c3ref/intro.html.
#include "store/sqlite/connection.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

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

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);  // reports the failure of the last step once more
}

Statement& Statement::bind(std::string_view text) {
    // No text has no address, which SQLite would take for NULL.
    const char* const begin = text.empty() ? "" : text.data();
    const int code = sqlite3_bind_text64(statement_.get(), ++bound_count_, begin, text.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);
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
    std::unique_ptr<Connection> connection{new Connection{std::move(path)}};
    sqlite3* database = nullptr;
    const int code = sqlite3_open_v2(
        connection->path_.c_str(), &database,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
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
    return connection;
}

base::Result<Statement> Connection::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        &statement, nullptr);
    if (code != SQLITE_OK) return error_of(database_.get(), path_);
    return Statement{statement, path_};
}

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
    // Some failures have done it already; another one would be an error then.
    if (sqlite3_get_autocommit(database_.get()) != 0) return;
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace windlass::store::sqlite
