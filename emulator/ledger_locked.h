// The mutex of a ledger, held for a scope. Only for the two files that implement Ledger.
#pragma once

#include "emulator/ledger.h"

namespace windlass::emulator {

// See Ledger::lock(), without a limit: what hangs with the mutex hangs its device, too.
class [[nodiscard]] Ledger::Locked {
  public:
    explicit Locked(Ledger& ledger);
    ~Locked();
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

  private:
    LedgerFile* file_;
};

}  // namespace windlass::emulator
