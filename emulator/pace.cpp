// See pace.h. Futexes, because what is waited for may lie in another process.
#include "emulator/pace.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace windlass::emulator {

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

const std::uint32_t* address_of(const std::atomic<std::uint32_t>& word) {
    static_assert(sizeof(word) == sizeof(std::uint32_t));
    return reinterpret_cast<const std::uint32_t*>(&word);
}

}  // namespace

std::uint64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kSecondNs +
           static_cast<std::uint64_t>(now.tv_nsec);
}

void wait_until_ns(std::uint64_t instant_ns) {
    const std::atomic<std::uint32_t> nobody_writes = 0;
    const timespec until{.tv_sec = static_cast<time_t>(instant_ns / kSecondNs),
                         .tv_nsec = static_cast<long>(instant_ns % kSecondNs)};
    while (monotonic_ns() < instant_ns) {
        syscall(SYS_futex, address_of(nobody_writes), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0,
                &until, nullptr, FUTEX_BITSET_MATCH_ANY);
    }
}

void wait_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t seen) {
    syscall(SYS_futex, address_of(word), FUTEX_WAIT, seen, nullptr, nullptr, 0);
}

void wake_all(const std::atomic<std::uint32_t>& word) {
    syscall(SYS_futex, address_of(word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace windlass::emulator
