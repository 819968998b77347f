// The tables of words. Numbers come out of files: none is trusted to be an enumerator.
#include "recording/words.h"

#include <algorithm>
#include <array>

namespace windlass::recording {

std::string_view word_of(base::Errc code) {
    const auto index = static_cast<std::size_t>(code);
    return index < base::error_table().size() ? base::error_table()[index].name : "";
}

std::string_view word_of(core::EventCode code) {
    return code <= core::EventCode::lease_ended ? core::to_text(code) : "";
}

std::string_view word_of(core::DeviceKind kind) {
    switch (kind) {
        case core::DeviceKind::cpu: return "cpu";
        case core::DeviceKind::gpu: return "gpu";
    }
    return "";
}

std::string_view word_of(core::NeedKind kind) {
    switch (kind) {
        case core::NeedKind::unknown: return "unknown";
        case core::NeedKind::bytes: return "bytes";
        case core::NeedKind::share: return "share";
        case core::NeedKind::all: return "all";
    }
    return "";
}

std::string_view word_of(core::UnknownMemory policy) {
    switch (policy) {
        case core::UnknownMemory::refuse: return "refuse";
        case core::UnknownMemory::admit: return "admit";
    }
    return "";
}

std::string_view word_of(core::JobStopCause cause) {
    switch (cause) {
        case core::JobStopCause::stalled: return "stalled";
        case core::JobStopCause::timeout: return "timeout";
        case core::JobStopCause::cancel: return "cancel";
        case core::JobStopCause::deadline: return "deadline";
    }
    return "";
}

std::string_view word_of(core::JobEnd end) {
    switch (end) {
        case core::JobEnd::succeeded: return "succeeded";
        case core::JobEnd::retried: return "retried";
        case core::JobEnd::returned: return "returned";
        case core::JobEnd::dead: return "dead";
        case core::JobEnd::cancelled: return "cancelled";
    }
    return "";
}

std::string_view word_of(core::JobCharge charge) {
    switch (charge) {
        case core::JobCharge::none: return "none";
        case core::JobCharge::failure: return "failure";
        case core::JobCharge::crash: return "crash";
    }
    return "";
}

std::string_view word_of(core::DeadReason reason) {
    switch (reason) {
        case core::DeadReason::none: return "none";
        case core::DeadReason::rejected: return "rejected";
        case core::DeadReason::attempts: return "attempts";
        case core::DeadReason::crash_budget: return "crash_budget";
        case core::DeadReason::deadline: return "deadline";
    }
    return "";
}

std::span<const std::string_view> known_reasons() {
    // Source: docs/errors.md, those that come by the engine.
    static constexpr std::array<std::string_view, 8> kReasons = {
        "backoff", "breaker_open",   "channel_full",  "device",
        "memory",  "memory_unknown", "shutting_down", "unkillable"};
    return kReasons;
}

std::string_view known_reason(std::string_view reason) {
    const auto known = known_reasons();
    return std::ranges::find(known, reason) == known.end() ? "" : reason;
}

}  // namespace windlass::recording
