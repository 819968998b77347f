// The books of a node: which process holds which bytes of which device. Shared by all processes;
// any of them may be killed at any instruction. Every operation takes the mutex, repairs what a
// dead holder left, and frees what dead processes held, before it looks at anything.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/ledger_layout.h"

namespace windlass::emulator {

// One process's share of a device.
struct Holding {
    std::int32_t pid = 0;
    std::uint64_t bytes = 0;
};

// What a device looks like at one moment.
struct DeviceUse {
    std::uint64_t capacity_bytes = 0;
    std::uint64_t reserved_bytes = 0;
    std::uint64_t used_bytes = 0;       // records, strangers and `reserved`
    std::vector<Holding> holders = {};  // living processes with a context, and listed strangers
};

class Ledger {
  public:
    // Null with errno set when the folder holds no ledger of this version.
    static std::unique_ptr<Ledger> open(const std::string& folder);
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    const std::string& folder() const { return folder_; }
    int device_count() const { return static_cast<int>(file_->device_count); }
    const DeviceSettings& settings(int device) const;
    DeviceUse use(int device);
    int process_count();
    // Whether a process has a slot; also when somebody keeps the books locked for a second: whoever
    // does that lives, and may be frozen.
    bool is_in_use();

    // A slot for this process, alive until `descriptor` and all its copies are closed. Empty when
    // there are too many processes.
    struct Membership {
        int slot = kNoSlot;
        int descriptor = -1;
    };
    std::optional<Membership> join(std::int32_t pid);
    void leave(const Membership& membership);

    // The number of a record, or empty when the device has no room for it (or a fault says so), or
    // the slot's descriptors are all closed.
    enum class Kind : std::uint8_t { memory, context };
    std::optional<int> allocate(int slot, int device, std::uint64_t bytes, Kind kind);
    void release(int record);
    std::uint64_t allocation_of(int record) const;
    void set_exported(int record);
    std::string path_of(std::uint64_t allocation) const;

    // Where the memory of an exported allocation is.
    struct Shared {
        int device = 0;
        std::uint64_t bytes = 0;
    };
    std::optional<Shared> find_shared(std::uint64_t allocation);

    // Frees everything on the device that no living process holds, faults or not.
    void reset(int device);

    std::uint64_t fault(int device, Fault fault) const;
    void set_fault(int device, Fault fault, std::uint64_t value);
    // A fault that happens once: its value, and off with it.
    std::uint64_t take_fault(int device, Fault fault);
    // Returns when the fault is off.
    void wait_while(int device, Fault fault) const;
    // Waits for any change of a fault since `seen`.
    std::uint32_t change_count() const { return file_->change_count.load(); }

    // False when the device knows too many strangers.
    bool set_stranger(int device, Stranger stranger);
    void clear_strangers(int device);

    // Takes the copy engine for so many bytes and returns when that copy is over.
    std::uint64_t occupy_engine(int device, CopyDirection direction, std::uint64_t bytes);

    // Whether the totals are what the records add up to; for tests.
    bool is_consistent();
    std::uint32_t owner_deaths() const { return file_->owner_deaths.load(); }

  private:
    class Locked;

    // Repairs and reaps, so that whoever has the mutex sees the truth. False: at `limit` (of
    // CLOCK_REALTIME; null: none) somebody else still had it.
    bool lock(const timespec* limit);
    Ledger(std::string folder, LedgerFile* file, int slots);

    Device& device_at(int device) { return file_->devices[static_cast<std::size_t>(device)]; }
    const Device& device_at(int device) const {
        return file_->devices[static_cast<std::size_t>(device)];
    }
    bool is_valid(int device) const { return device >= 0 && device < device_count(); }
    std::uint64_t free_bytes(int device) const;
    int count_living() const;
    void recompute();
    void reap();
    bool bury(int slot, std::uint64_t now_ns);
    bool is_due(const Record& record, const Slot& slot, std::uint64_t now_ns) const;
    void free_record(int record);
    bool is_held_elsewhere(const Record& record) const;
    std::optional<int> find_free_record();
    Record& record_at(int record) { return file_->records[static_cast<std::size_t>(record)]; }
    Slot& slot_at(int slot) { return file_->slots[static_cast<std::size_t>(slot)]; }

    std::string folder_;
    LedgerFile* file_;
    int slots_descriptor_;  // of its own, so that it sees this process's lock too
};

}  // namespace windlass::emulator
