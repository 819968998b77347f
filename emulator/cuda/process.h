// The CUDA state of this process: its place in the node, the devices it sees, its contexts, and the
// error that has broken it, if any. Thread: any.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "emulator/cuda/types.h"
#include "emulator/ledger.h"

namespace windlass::emulator {

class Process {
  public:
    // One for each process, never destroyed: streams may still hang when it exits.
    static Process& get();

    CuResult initialise();

    // What stands in the way of any call: not initialised (a forked child never is, as on
    // hardware), or a context that is broken for good.
    CuResult admit() const;
    // The same, and the device: a lost one breaks the process.
    CuResult admit_device(int device);

    void break_with(CuResult result);

    Ledger& ledger() { return *ledger_; }
    int slot() const { return membership_.slot; }
    int visible_count() const { return static_cast<int>(visible_.size()); }
    bool is_visible(CuDevice ordinal) const { return ordinal >= 0 && ordinal < visible_count(); }
    // The device of the node behind an ordinal.
    int device_of(CuDevice ordinal) const { return visible_[static_cast<std::size_t>(ordinal)]; }

    std::mutex mutex;  // of what follows
    std::vector<std::unique_ptr<CuContextSt>> primary;
    std::set<CuContext> contexts;  // all that exist

  private:
    std::unique_ptr<Ledger> ledger_;
    Ledger::Membership membership_;
    std::vector<int> visible_;
    std::atomic<int> owner_pid_ = 0;
    std::atomic<CuResult> broken_ = CuResult::success;
};

// The context of this thread, or null.
CuContext current_context();

// The current context once any call may be made in it; otherwise `result` says what is wrong.
struct Admission {
    CuResult result = CuResult::success;
    CuContext context = nullptr;
    explicit operator bool() const { return result == CuResult::success; }
};
Admission admit_current();

}  // namespace windlass::emulator
