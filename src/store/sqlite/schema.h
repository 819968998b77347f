// How the file is laid out, and how it came to be: numbered migrations.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace windlass::store::sqlite {

// SQL that leads from one number to the next; the n-th leads to n. What was released once is never
// changed.
std::span<const char* const> migrations();

// The file, ready for use: made or brought up to date if need be, and checked where its last user
// did not close it. What is committed there is on disk. `unsupported`: a newer version wrote it.
base::Result<std::unique_ptr<Connection>> open_store(const std::string& path,
                                                     base::Duration patience);

}  // namespace windlass::store::sqlite
