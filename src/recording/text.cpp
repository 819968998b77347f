// One more visitor of the fields: for people.
#include "recording/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <string_view>

#include "base/overloaded.h"
#include "base/utf8.h"
#include "recording/fields.h"
#include "recording/shapes.h"

namespace windlass::recording {

std::string printable(std::string_view text) {
    std::string shown = base::to_valid_utf8(text);
    for (std::size_t at = 0; at < shown.size(); ++at) {
        const auto byte = static_cast<unsigned char>(shown[at]);
        const auto next = at + 1 < shown.size() ? static_cast<unsigned char>(shown[at + 1]) : 0;
        if (byte < 0x20 || byte == 0x7f) shown[at] = '?';
        if (byte == 0xc2 && next < 0xa0) shown.replace(at, 2, "?");  // C1 control characters
    }
    return shown;
}

namespace {

using base::Bytes;
using base::Duration;

// "2.5s", "0.000000001s": all digits that are not zero.
std::string exact_text(Duration duration) {
    const bool is_negative = duration < Duration{0};
    const auto count = static_cast<std::uint64_t>(duration.count());
    const std::uint64_t nanoseconds = is_negative ? 0 - count : count;
    std::string digits =
        fmt::format("{}.{:09}", nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000);
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
    return (is_negative ? "-" : "") + digits + "s";
}

// "2GiB", "1025B": the largest unit that divides it.
std::string exact_text(Bytes bytes) {
    std::uint64_t count = bytes.count();
    std::size_t unit = 0;
    constexpr std::array<const char*, 4> kUnits = {"B", "KiB", "MiB", "GiB"};
    while (unit + 1 < kUnits.size() && count != 0 && count % 1024 == 0) {
        count /= 1024;
        ++unit;
    }
    return fmt::format("{}{}", count, kUnits[unit]);
}

class Teller {
  public:
    explicit Teller(const Names& names) : names_(names) {}

    std::string take() { return std::move(out_); }

    // The outermost struct is named, and its fields stand in no braces.
    template <class Struct>
    void tell(const Struct& value) {
        visit_fields(*this, value);
    }

    template <class... Values>
    void fields(std::string_view type, [[maybe_unused]] std::string_view names,
                const Values&... values) {
        const bool is_outermost = out_.empty();
        if (is_outermost) out_ = type.substr(type.rfind(':') + 1);
        const std::string_view around = is_outermost ? "" : "{}";
        out_ += around.substr(0, 1);
        (field(next_of(names), values), ...);
        if (!is_outermost) out_ += "}";
    }

  private:
    // Takes the first off "a, b, c".
    static std::string_view next_of(std::string_view& names) {
        const std::size_t end = names.find(',');
        const std::string_view first = names.substr(0, end);
        names.remove_prefix(end == names.npos ? names.size() : names.find_first_not_of(", ", end));
        return first;
    }

    template <class Value>
    void field(std::string_view name, const Value& value) {
        if (is_nothing(value)) return;
        if (!out_.ends_with('{')) out_ += ' ';
        out_.append(name).append("=");
        show(value);
    }

    template <class Value>
    static bool is_nothing(const Value& value) {
        if constexpr (kIsId<Value> || kIsOptional<Value>) return !value;
        if constexpr (kIsList<Value> || std::same_as<Value, std::string>) return value.empty();
        if constexpr (std::same_as<Value, Reason<const std::string>>) {
            return known_reason(value.text).empty();
        }
        return false;
    }

    template <class Value>
    void show(const Value& value) {
        if constexpr (std::same_as<Value, bool>) {
            out_ += value ? "yes" : "no";
        } else if constexpr (kIsNumber<Value>) {
            out_ += std::to_string(value);
        } else if constexpr (std::is_enum_v<Value>) {
            out_ += word_of(value);
        } else if constexpr (std::same_as<Value, core::ModelId> ||
                             std::same_as<Value, core::DeviceId>) {
            out_ += names_.of(value);
        } else if constexpr (kIsId<Value>) {
            out_ += std::to_string(value.value);
        } else if constexpr (std::same_as<Value, Bytes> || std::same_as<Value, Duration>) {
            out_ += exact_text(value);
        } else if constexpr (std::same_as<Value, std::string>) {
            out_ += '"' + printable(value) + '"';
        } else if constexpr (std::same_as<Value, Reason<const std::string>>) {
            out_ += known_reason(value.text);
        } else if constexpr (kIsOptional<Value>) {
            if (value) show(*value);
        } else if constexpr (kIsList<Value>) {
            out_ += '[';
            for (const auto& element : value) {
                if (!out_.ends_with('[')) out_ += ", ";
                show(element);
            }
            out_ += ']';
        } else {
            visit_fields(*this, value);
        }
    }

    const Names& names_;
    std::string out_;
};

template <class Choice>
std::string tell(const Choice& choice, const Names& names) {
    Teller teller{names};
    std::visit([&](const auto& chosen) { teller.tell(chosen); }, choice);
    return teller.take();
}

}  // namespace

Names::Names(const Origin& origin) {
    for (const core::ModelSpec& model : origin.models) models_.push_back(printable(model.name));
    for (const core::DeviceSpec& device : origin.devices.known) {
        devices_.emplace(core::DeviceId{devices_.size() + 1}, printable(device.uuid));
    }
}

void Names::note(const core::Event& event) {
    std::visit(base::Overloaded{
                   [&](const core::ModelConfigured& configured) {
                       const std::string name = printable(configured.spec.name);
                       if (std::ranges::find(models_, name) == models_.end())
                           models_.push_back(name);
                   },
                   [&](const core::DeviceFound& found) {
                       devices_[found.device] = printable(found.spec.uuid);
                   },
                   [](const auto&) {},
               },
               event);
}

std::vector<std::string> Names::devices() const {
    std::vector<std::string> names;
    names.reserve(devices_.size());
    for (const auto& [id, name] : devices_) names.push_back(name);
    return names;
}

std::string Names::of(core::ModelId id) const {
    const bool is_known = id && id.value <= models_.size();
    return is_known ? models_[id.value - 1] : fmt::format("#{}", id.value);
}

std::string Names::of(core::DeviceId id) const {
    const auto known = devices_.find(id);
    return known == devices_.end() ? fmt::format("#{}", id.value) : known->second;
}

std::string to_text(const core::Event& event, const Names& names) { return tell(event, names); }
std::string to_text(const core::Command& command, const Names& names) {
    return tell(command, names);
}

}  // namespace windlass::recording
