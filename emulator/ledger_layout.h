// The file `ledger` of a node, mapped by every process that uses an emulated device. Plain memory:
// a process may be killed at any instruction, so nothing here has an owner but the mutex, and what
// counts is what the records say.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "emulator/faults.h"

namespace windlass::emulator {

inline constexpr std::uint32_t kLedgerMagic = 0x574C4532;  // "WLE2"; changes with the layout
inline constexpr int kDeviceMax = 64;
inline constexpr int kSlotMax = 1024;
inline constexpr int kRecordMax = 1 << 16;
inline constexpr int kStrangerMax = 8;
inline constexpr int kNoSlot = -1;

struct DeviceSettings {
    char uuid[48];
    char name[64];
    std::uint64_t capacity_bytes;
    std::uint64_t reserved_bytes;  // by the driver itself
    std::uint64_t context_bytes;   // what each context costs
    std::uint64_t link_bytes_per_second;
    std::uint32_t teardown_ms;  // from the death of a process until its memory is free
};

// Memory that no process of the node holds.
struct Stranger {
    std::uint32_t pid;  // 0: in no list
    std::uint64_t bytes;
};

enum class CopyDirection : std::uint8_t { to_device, to_host, inside };
inline constexpr int kCopyDirectionCount = 3;

struct Device {
    DeviceSettings settings;
    std::uint64_t used_bytes;  // the sum of its records; strangers and `reserved` are apart
    std::array<Stranger, kStrangerMax> strangers;
    // One copy engine for each direction, free again at this CLOCK_MONOTONIC; processes contend.
    std::array<std::atomic<std::uint64_t>, kCopyDirectionCount> engine_free_at_ns;
    std::array<std::atomic<std::uint64_t>, kFaultCount> faults;
};

// A process between cuInit and its end. It lives while it holds the lock on its byte of `slots`.
struct Slot {
    enum class State : std::uint32_t { free, live, dying };
    State state;
    std::int32_t pid;
    std::uint64_t died_at_ns;  // while dying: when its death was first seen
};

// A piece of device memory: an allocation, or a context (allocation 0).
struct Record {
    enum class State : std::uint32_t { free, reserved, live, freeing };
    State state;
    std::int16_t slot;  // kNoSlot: its process is gone, and an exported descriptor keeps it
    std::int16_t device;
    std::uint64_t bytes;
    std::uint64_t allocation;  // the name of its file below `memory`
    std::uint32_t is_exported;
};

struct LedgerFile {
    std::uint32_t magic;
    std::uint32_t device_count;
    pthread_mutex_t mutex;  // robust and process-shared
    // Counts each change of a fault or stranger; what hangs waits on it (futex).
    std::atomic<std::uint32_t> change_count;
    std::atomic<std::uint32_t> owner_deaths;  // times that somebody died with the mutex
    std::atomic<std::uint64_t> next_allocation;
    std::uint32_t slot_end;     // no slot from here on is in use
    std::uint32_t record_end;   // likewise
    std::uint32_t record_hint;  // no record below it is free
    std::array<Device, kDeviceMax> devices;
    std::array<Slot, kSlotMax> slots;
    std::array<Record, kRecordMax> records;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace windlass::emulator
