// Which events a reader wants.
#include "base/event_record.h"

#include <algorithm>
#include <array>

namespace windlass::base {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

}  // namespace

bool EventFilter::admits(const EventRecord& event) const {
    const bool is_code =
        code.empty() || event.code == code || (code.ends_with('.') && event.code.starts_with(code));
    return is_code && (model.empty() || event.model == model) &&
           (job.empty() || event.job == job) && (!worker || event.worker == worker) &&
           event.level >= level && (!since_ms || event.time_ms >= *since_ms);
}

std::string_view to_text(log::Level level) {
    return kLevelNames.at(static_cast<std::size_t>(level));
}

std::optional<log::Level> find_level(std::string_view name) {
    const auto* const found = std::ranges::find(kLevelNames, name);
    if (found == kLevelNames.end()) return std::nullopt;
    return static_cast<log::Level>(found - kLevelNames.begin());
}

}  // namespace windlass::base
