// Id<Tag>: a number that cannot be mixed up with another kind of number. Zero means "none".
#pragma once

#include <compare>
#include <cstdint>

namespace windlass::base {

template <class Tag>
struct Id {
    std::uint64_t value = 0;

    friend constexpr auto operator<=>(const Id&, const Id&) = default;
    explicit constexpr operator bool() const { return value != 0; }
};

}  // namespace windlass::base
