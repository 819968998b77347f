// The words that stand in recordings: names of enumerators, and the reasons of errors that are the
// daemon's own. Together they decide which values a file may hold.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "core/device_spec.h"
#include "core/event_code.h"
#include "core/job.h"
#include "core/placement.h"

namespace windlass::recording {

// What an enumerator is called; empty for a number that is none.
std::string_view word_of(base::Errc code);
std::string_view word_of(core::EventCode code);
std::string_view word_of(core::DeviceKind kind);
std::string_view word_of(core::NeedKind kind);
std::string_view word_of(core::UnknownMemory policy);
std::string_view word_of(core::JobStopCause cause);
std::string_view word_of(core::JobEnd end);
std::string_view word_of(core::JobCharge charge);
std::string_view word_of(core::DeadReason reason);

// Those that the daemon gives.
std::span<const std::string_view> known_reasons();
// The reason itself where it is one that the daemon gives, else nothing: a model may say any.
std::string_view known_reason(std::string_view reason);

// Stands for an Error's reason where fields are listed.
template <class Text>
struct Reason {
    Text& text;  // of a string, constant or not
};
template <class Text>
Reason(Text&) -> Reason<Text>;

}  // namespace windlass::recording
