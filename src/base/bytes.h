// Bytes: an amount of memory. Arithmetic is checked: an overflow is a bug in Windlass.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"

namespace windlass::base {

class Bytes {
  public:
    constexpr Bytes() = default;
    explicit constexpr Bytes(std::uint64_t count) : count_(count) {}

    constexpr std::uint64_t count() const { return count_; }
    friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;

    friend constexpr Bytes operator+(Bytes a, Bytes b) {
        WL_ASSERT(a.count_ + b.count_ >= a.count_);
        return Bytes{a.count_ + b.count_};
    }
    friend constexpr Bytes operator-(Bytes a, Bytes b) {
        WL_ASSERT(a.count_ >= b.count_);
        return Bytes{a.count_ - b.count_};
    }

  private:
    std::uint64_t count_ = 0;
};

constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes{n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes{n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes{n << 30}; }

// "512 MiB", "2.5 GiB", "17 B": IEC units, at most one decimal, for people.
std::string to_text(Bytes bytes);

// Reads "2.5GiB", "512MiB", "64KiB", "1000B" and the decimal "2GB", "500MB", "10kB". Empty when it
// is not one; a bare number is none.
std::optional<Bytes> parse_bytes(std::string_view text);

}  // namespace windlass::base
