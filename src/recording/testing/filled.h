// For tests: values in which no field has its default.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "recording/fields.h"
#include "recording/shapes.h"

namespace windlass::recording::testing {

class Filler {
  public:
    template <class... Values>
    void fields(const char*, const char*, Values&... values) {
        (fill(values), ...);
    }

    template <class Value>
    void fill(Value& value) {
        ++count_;
        if constexpr (std::same_as<Value, bool>) {
            value = !value;
        } else if constexpr (kIsNumber<Value>) {
            value = static_cast<Value>(100 + count_);
        } else if constexpr (std::is_enum_v<Value>) {
            value = static_cast<Value>(value == Value{} ? 1 : 0);
        } else if constexpr (kIsId<Value>) {
            value.value = 1'000 * count_;
        } else if constexpr (std::same_as<Value, base::Bytes>) {
            value = base::Bytes{(std::uint64_t{1} << 40) + count_};
        } else if constexpr (std::same_as<Value, base::Duration>) {
            value = base::Duration{1'000'000'007 * static_cast<std::int64_t>(count_)};
        } else if constexpr (std::same_as<Value, std::string>) {
            value = "text " + std::to_string(count_);
        } else if constexpr (kIsOptional<Value>) {
            fill(value.emplace());
        } else if constexpr (kIsList<Value>) {
            value.clear();
            fill(value.emplace_back());
            fill(value.emplace_back());
        } else {
            visit_fields(*this, value);
        }
    }

    void fill(const Reason<std::string>& reason) { reason.text = "backoff"; }

  private:
    std::uint64_t count_ = 0;
};

template <class Value>
Value filled() {
    Value value{};
    Filler{}.fill(value);
    return value;
}

// One of each alternative, filled.
template <class... Values>
std::vector<std::variant<Values...>> one_of_each(const std::variant<Values...>&) {
    return {std::variant<Values...>{filled<Values>()}...};
}

}  // namespace windlass::recording::testing
