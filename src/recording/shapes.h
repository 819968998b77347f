// The kinds of values that fields have, for those who visit them.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/id.h"

namespace windlass::recording {

template <class Value>
inline constexpr bool kIsId = false;
template <class Tag>
inline constexpr bool kIsId<base::Id<Tag>> = true;

template <class Value>
inline constexpr bool kIsOptional = false;
template <class Value>
inline constexpr bool kIsOptional<std::optional<Value>> = true;

template <class Value>
inline constexpr bool kIsList = false;
template <class Value>
inline constexpr bool kIsList<std::vector<Value>> = true;

template <class Value>
inline constexpr bool kIsChoice = false;
template <class... Values>
inline constexpr bool kIsChoice<std::variant<Values...>> = true;

// A switch or a count.
template <class Value>
inline constexpr bool kIsNumber = std::is_unsigned_v<Value>;

}  // namespace windlass::recording
