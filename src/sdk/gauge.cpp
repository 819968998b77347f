// The twin of `Gauge` in python/windlass/device_memory.py.
#include "sdk/gauge.h"

#include <algorithm>

#include "wire/bytes_max.h"

namespace windlass::sdk {

void Gauge::settle() {
    if (allocator_ == nullptr) return;
    const std::lock_guard lock{mutex_};
    const std::optional<worker::DeviceMemory> memory = read();
    at_rest_ = memory ? std::optional{memory->reserved} : std::nullopt;
}

std::optional<base::Bytes> Gauge::reserved() {
    if (allocator_ == nullptr) return std::nullopt;
    const std::lock_guard lock{mutex_};
    const std::optional<worker::DeviceMemory> memory = read();
    return memory ? std::optional{base::Bytes{memory->reserved}} : std::nullopt;
}

Gauge::Begun Gauge::begin() {
    if (allocator_ == nullptr) return {};
    const std::lock_guard lock{mutex_};
    if (running_count_ == 0) is_reset_ = reset();
    ++begun_count_;
    return {.number = ++running_count_ > 1 ? 0 : begun_count_};
}

Gauge::Told Gauge::end(Begun begun) {
    if (allocator_ == nullptr) return {};
    const std::lock_guard lock{mutex_};
    --running_count_;
    const std::optional<worker::DeviceMemory> memory = is_reset_ ? read() : std::nullopt;
    const std::optional<std::uint64_t> at_rest = at_rest_;
    at_rest_ = memory ? std::optional{memory->reserved} : std::nullopt;
    if (!memory) return {};
    const bool is_alone = begun.number == begun_count_;
    const bool is_steady = at_rest == memory->reserved && at_rest == memory->reserved_peak;
    Told told{.peak = base::Bytes{memory->peak}};
    if (is_alone && is_steady) told.reserved = base::Bytes{memory->reserved};
    return told;
}

bool Gauge::reset() {
    try {
        allocator_->reset_device_peak();
        return true;
    } catch (...) {
        return false;
    }
}

// None for what the daemon would take for garbage, too: a number that is only told must not fail
// what it is about.
std::optional<worker::DeviceMemory> Gauge::read() {
    try {
        const worker::DeviceMemory memory = allocator_->read_device_memory();
        const std::uint64_t most = std::max({memory.peak, memory.reserved, memory.reserved_peak});
        return most <= wire::kBytesMax ? std::optional{memory} : std::nullopt;
    } catch (...) {
        return std::nullopt;
    }
}

}  // namespace windlass::sdk
