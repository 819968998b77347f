// The bytes of one allocation, in a sparse file: only what was written is real, so a device may be
// larger than the host's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "emulator/ledger.h"

namespace windlass::emulator {

class PhysicalMemory {
  public:
    // Null when the device has no room.
    static std::shared_ptr<PhysicalMemory> make(Ledger& ledger, int slot, int device,
                                                std::uint64_t bytes);
    // What another process shares by `descriptor`; null when that is no such memory.
    static std::shared_ptr<PhysicalMemory> import(Ledger& ledger, int descriptor);
    ~PhysicalMemory();
    PhysicalMemory(const PhysicalMemory&) = delete;
    PhysicalMemory& operator=(const PhysicalMemory&) = delete;

    std::uint64_t size() const { return bytes_; }
    int device() const { return device_; }

    // A descriptor that keeps the memory for as long as anybody has it, wherever it is: in another
    // process, in a forked child, or in a message that nobody has read. -1 with errno set.
    int share();

    void write(std::uint64_t offset, const void* from, std::size_t bytes);
    void read(std::uint64_t offset, void* to, std::size_t bytes);
    void fill(std::uint64_t offset, unsigned char value, std::size_t bytes);
    void copy_from(PhysicalMemory& source, std::uint64_t source_offset, std::uint64_t offset,
                   std::size_t bytes);

  private:
    PhysicalMemory(Ledger& ledger, int record, int device, std::uint64_t bytes)
        : ledger_(ledger), record_(record), device_(device), bytes_(bytes) {}

    int file();  // opened at its first use
    void punch(std::uint64_t offset, std::size_t bytes);
    void write_real(std::uint64_t offset, const unsigned char* from, std::size_t bytes);

    Ledger& ledger_;
    int record_;  // -1: another process's
    int device_;
    std::uint64_t bytes_;
    std::once_flag opened_;
    int file_ = -1;
};

}  // namespace windlass::emulator
