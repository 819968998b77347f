// Lives as people write them.
#include "simulation/life.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace windlass::simulation {
namespace {

constexpr std::string_view kAdministrators = "administrators";

// "run dies": "run_dies".
std::string flag_of(Fault fault) {
    std::string flag{kFaultNames[static_cast<std::size_t>(fault)]};
    std::ranges::replace(flag, ' ', '_');
    return flag;
}

std::optional<Fault> find_fault(std::string_view flag) {
    for (std::size_t i = 0; i < kFaultCount; ++i) {
        if (flag_of(static_cast<Fault>(i)) == flag) return static_cast<Fault>(i);
    }
    return std::nullopt;
}

base::Result<std::uint64_t> number_of(const char* name, std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return number;
    return base::fail(base::Errc::invalid_input,
                      fmt::format("{}={}: give a whole number", name, text));
}

base::Result<void> take_away(Life& life, std::string_view flags) {
    while (!flags.empty()) {
        const std::string_view flag = flags.substr(0, flags.find(','));
        flags.remove_prefix(std::min(flags.size(), flag.size() + 1));
        if (flag == kAdministrators) {
            life.has_administrators = false;
        } else if (const auto fault = find_fault(flag)) {
            life.without.insert(*fault);
        } else {
            return base::fail(
                base::Errc::invalid_input,
                fmt::format(
                    "WINDLASS_WITHOUT={}: there is no such fault; tests/simulation/faults.h "
                    "has their names, with _ for each space",
                    flag));
        }
    }
    return {};
}

}  // namespace

std::string to_text(const Life& life) {
    std::string text = fmt::format("WINDLASS_SEED={}", life.seed);
    std::string without;
    for (const Fault fault : life.without) without += "," + flag_of(fault);
    if (!life.has_administrators) without += fmt::format(",{}", kAdministrators);
    if (!without.empty()) text += " WINDLASS_WITHOUT=" + without.substr(1);
    if (life.models_max != Life::kNoLimit)
        text += fmt::format(" WINDLASS_MODELS={}", life.models_max);
    if (life.events_max != Life::kNoLimit)
        text += fmt::format(" WINDLASS_EVENTS={}", life.events_max);
    if (life.lasts > base::Duration{}) {
        text += fmt::format(" WINDLASS_LIFE={}", life.lasts / std::chrono::seconds{1});
    }
    return text;
}

base::Result<std::optional<Life>> life_of(Environment get) {
    const char* seed = get("WINDLASS_SEED");
    if (seed == nullptr) return std::nullopt;
    Life life;
    life.seed = WL_TRY(number_of("WINDLASS_SEED", seed));
    if (const char* flags = get("WINDLASS_WITHOUT")) WL_TRY(take_away(life, flags));
    if (const char* count = get("WINDLASS_MODELS"))
        life.models_max = WL_TRY(number_of("WINDLASS_MODELS", count));
    if (const char* count = get("WINDLASS_EVENTS"))
        life.events_max = WL_TRY(number_of("WINDLASS_EVENTS", count));
    if (const char* seconds = get("WINDLASS_LIFE")) {
        const std::uint64_t count = WL_TRY(number_of("WINDLASS_LIFE", seconds));
        life.lasts = std::chrono::seconds{count};
    }
    return life;
}

}  // namespace windlass::simulation
