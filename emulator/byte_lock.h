// Locks on one byte of an open file (F_OFD_SETLK, Linux 3.15). The kernel drops such a lock when
// the last descriptor of that open file is gone: with the process, however it ends, unless a forked
// child still has it. So a lock is a sign of life that needs no good behaviour.
#pragma once

#include <cstdint>

namespace windlass::emulator {

enum class ByteLock : std::uint8_t { shared, exclusive };

// Whether the lock was there to be had.
bool take_byte_lock(int descriptor, std::int64_t byte, ByteLock kind);
void drop_byte_lock(int descriptor, std::int64_t byte);

// Whether somebody holds the byte through another open file than this one.
bool is_byte_locked(int descriptor, std::int64_t byte);

}  // namespace windlass::emulator
