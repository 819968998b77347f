// What SQLite reports, as errors that say what happened, to what file, and what to do.
#pragma once

#include <string>

#include "base/error.h"

namespace windlass::store::sqlite {

struct Failure {
    std::string path;
    int code = 0;         // extended, https://sqlite.org/rescode.html
    int errno_value = 0;  // of the system call that failed; 0: none did
    std::string text;     // SQLite's own words
};

// data_corrupt, permission_denied, host_out_of_memory, or unavailable with the reason "disk_full",
// "store_busy" (another process holds it) or "store_failed" (the disk does not do what it should).
base::Error make_error(const Failure& failure);

// The file cannot be opened or made at all.
base::Error make_open_error(const std::string& path, int errno_value);
base::Error make_kind_error(const std::string& path);  // it is no regular file

base::Error make_full_error(const std::string& path);  // of the disk

base::Error make_damage_error(const std::string& path, const std::string& what);

// Nothing more can be expected of a connection that failed so: what is on disk is not known.
bool is_fatal(const base::Error& error);

}  // namespace windlass::store::sqlite
