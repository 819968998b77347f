// What is kept in memory of a file, and goes along with its transactions.
#pragma once

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace windlass::store::sqlite {

class Companion {
  public:
    Companion() = default;
    Companion(const Companion&) = delete;
    Companion& operator=(const Companion&) = delete;
    virtual ~Companion() = default;

    // After the file was opened, before any order: forget all, and read.
    virtual base::Result<void> opened(Connection& connection) = 0;
    // Before the end of each transaction that writes.
    virtual base::Result<void> flush(Connection& connection) = 0;
    // Exactly one of these after each.
    virtual void committed() = 0;
    virtual void rolled_back() = 0;
};

}  // namespace windlass::store::sqlite
