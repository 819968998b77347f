// One row for each thing that a person does differently.
#include "store/sqlite/sqlite_error.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cerrno>
#include <system_error>

namespace windlass::store::sqlite {
namespace {

using base::Errc;

constexpr int kPrimaryMask = 0xff;  // of an extended code, https://sqlite.org/rescode.html

base::Error unavailable(std::string reason, std::string message) {
    base::Error error = base::fail(Errc::unavailable, std::move(message));
    error.reason = std::move(reason);
    return error;
}

base::Error denied(const std::string& path, const std::string& why) {
    return base::fail(Errc::permission_denied,
                      fmt::format("the file {} cannot be written: {}; make it and its folder "
                                  "writable for this user, or set another state_dir under [daemon]",
                                  path, why));
}

bool is_full(int errno_value) { return errno_value == ENOSPC || errno_value == EDQUOT; }

bool is_denied(int errno_value) {
    return errno_value == EACCES || errno_value == EPERM || errno_value == EROFS;
}

// What a sync was to bring to disk may be lost, whatever the reason: no later one brings it back.
bool is_failed_sync(int code) {
    return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

}  // namespace

base::Error make_full_error(const std::string& path) {
    return unavailable("disk_full",
                       fmt::format("no room is left on the disk for {}; make room there", path));
}

base::Error make_damage_error(const std::string& path, const std::string& what) {
    return base::fail(Errc::data_corrupt,
                      fmt::format("the file {} is damaged, or no database of Windlass: {}; move it "
                                  "away, together with {}-wal and {}-shm, and restart the daemon, "
                                  "which makes a new one",
                                  path, what, path, path));
}

base::Error make_open_error(const std::string& path, int errno_value) {
    const std::string why = std::generic_category().message(errno_value);
    if (is_full(errno_value)) return make_full_error(path);
    if (is_denied(errno_value)) return denied(path, why);
    return unavailable("store_failed", fmt::format("the file {} cannot be opened: {}; set another "
                                                   "state_dir under [daemon]",
                                                   path, why));
}

base::Error make_kind_error(const std::string& path) {
    return unavailable("store_failed",
                       fmt::format("{} is no regular file; move it away, or set another state_dir "
                                   "under [daemon]",
                                   path));
}

base::Error make_error(const Failure& failure) {
    const int primary = failure.code & kPrimaryMask;
    const bool is_disk_full = is_full(failure.errno_value) || primary == SQLITE_FULL;
    if (is_disk_full && !is_failed_sync(failure.code)) return make_full_error(failure.path);
    switch (primary) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return make_damage_error(failure.path, failure.text);
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH: return denied(failure.path, failure.text);
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return unavailable(
                "store_busy",
                fmt::format("another process has held the file {} locked for long; end it",
                            failure.path));
        case SQLITE_NOMEM:
            return base::fail(
                Errc::host_out_of_memory,
                fmt::format("no memory is left to work with the file {}; free some on this machine",
                            failure.path));
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
            if (is_denied(failure.errno_value)) return denied(failure.path, failure.text);
            return unavailable(
                "store_failed",
                fmt::format("reading or writing the file {} failed: {} ({}); look at its disk, or "
                            "set another state_dir under [daemon]",
                            failure.path, failure.text,
                            std::generic_category().message(failure.errno_value)));
        default:
            return base::fail(
                Errc::internal,
                fmt::format("SQLite refused an order on the file {}: {} (code {}); this is a "
                            "bug of Windlass, please report it with this line",
                            failure.path, failure.text, failure.code));
    }
}

bool is_fatal(const base::Error& error) {
    return error.code == Errc::data_corrupt || error.code == Errc::internal ||
           (error.code == Errc::unavailable && error.reason == "store_failed");
}

}  // namespace windlass::store::sqlite
