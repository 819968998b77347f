// Waiting as an emulated device makes a caller wait: until a modelled instant, or for as long as a
// fault is on.
#pragma once

#include <atomic>
#include <cstdint>

namespace windlass::emulator {

std::uint64_t monotonic_ns();

// Returns when CLOCK_MONOTONIC has come so far.
void wait_until_ns(std::uint64_t instant_ns);

// Returns when `word` is not `seen` any more and somebody has called wake_all(); may return early.
// The word may lie in memory that processes share.
void wait_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t seen);
void wake_all(const std::atomic<std::uint32_t>& word);

}  // namespace windlass::emulator
