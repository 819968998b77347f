// See process.h.
#include "emulator/cuda/process.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "emulator/pace.h"

namespace windlass::emulator {

namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;

// One entry of CUDA_VISIBLE_DEVICES: an index, or a UUID or the beginning of one.
std::optional<int> find_device(const Ledger& ledger, std::string_view entry) {
    if (entry.empty()) return std::nullopt;
    if (entry.find_first_not_of("0123456789") == std::string_view::npos) {
        const int index = std::atoi(std::string{entry}.c_str());
        return index < ledger.device_count() ? std::optional{index} : std::nullopt;
    }
    for (int device = 0; device < ledger.device_count(); ++device) {
        if (std::string_view{ledger.settings(device).uuid}.starts_with(entry)) return device;
    }
    return std::nullopt;
}

// Devices are visible up to the first entry that names none, as the CUDA C++ Programming Guide has
// it ("CUDA Environment Variables").
std::vector<int> visible_devices(const Ledger& ledger) {
    std::vector<int> visible;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): at the start; nobody sets variables
    const char* variable = std::getenv("CUDA_VISIBLE_DEVICES");
    if (variable == nullptr) {
        for (int device = 0; device < ledger.device_count(); ++device) visible.push_back(device);
        return visible;
    }
    std::string_view rest = variable;
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        const auto device = find_device(ledger, rest.substr(0, comma));
        if (!device) break;
        if (std::find(visible.begin(), visible.end(), *device) != visible.end()) return {};
        visible.push_back(*device);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    return visible;
}

}  // namespace

Process& Process::get() {
    static auto* const it = new Process;
    return *it;
}

CuResult Process::initialise() {
    const std::scoped_lock lock{mutex};
    if (owner_pid_ != 0)
        return owner_pid_ == getpid() ? CuResult::success : CuResult::not_initialized;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): at the start; nobody sets variables
    const char* folder = std::getenv("WINDLASS_EMULATOR");
    if (folder == nullptr) return CuResult::no_device;
    ledger_ = Ledger::open(folder);
    if (!ledger_) return CuResult::no_device;
    visible_ = visible_devices(*ledger_);
    if (visible_.empty()) return CuResult::no_device;
    if (const std::uint64_t delay_ms = ledger_->fault(visible_.front(), Fault::init_delay))
        wait_until_ns(monotonic_ns() + delay_ms * kMillisecondNs);
    const auto membership = ledger_->join(getpid());
    if (!membership) return CuResult::operating_system;
    membership_ = *membership;
    for (CuDevice ordinal = 0; ordinal < visible_count(); ++ordinal) {
        auto context = std::make_unique<CuContextSt>();
        context->ordinal = ordinal;
        context->device = device_of(ordinal);
        context->is_primary = true;
        primary.push_back(std::move(context));
    }
    owner_pid_ = getpid();
    return CuResult::success;
}

CuResult Process::admit() const {
    if (owner_pid_ != getpid()) return CuResult::not_initialized;
    return broken_;
}

CuResult Process::admit_device(int device) {
    if (const CuResult result = admit(); result != CuResult::success) return result;
    if (ledger_->fault(device, Fault::device_lost) == 0) return CuResult::success;
    break_with(CuResult::unknown);
    return broken_;
}

void Process::break_with(CuResult result) {
    CuResult sound = CuResult::success;
    broken_.compare_exchange_strong(sound, result);  // the first error stays
}

Admission admit_current() {
    const CuResult result = Process::get().admit();
    if (result != CuResult::success) return {result};
    const CuContext context = current_context();
    if (context == nullptr) return {CuResult::invalid_context};
    return {Process::get().admit_device(context->device), context};
}

}  // namespace windlass::emulator
