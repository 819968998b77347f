// How long things took, in little room: how many fell into each of many classes, whose bounds grow
// by 2 %. A quantile is right within 1 %.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace windlass::store {

class TimeSketch {
  public:
    void add(base::Duration duration);  // negative counts as none
    void merge(const TimeSketch& other);

    std::uint64_t count() const { return count_; }
    double mean_ms() const;              // 0: nothing was added
    double quantile_ms(double q) const;  // of 0 to 1; 0: nothing was added

    // Bytes for from_bytes(), which takes what it does not understand for an empty one.
    std::string to_bytes() const;
    static TimeSketch from_bytes(std::string_view bytes);

    friend bool operator==(const TimeSketch&, const TimeSketch&) = default;

  private:
    struct Class {
        std::uint16_t number = 0;  // of microseconds: class n ends at 1.02^n
        std::uint64_t count = 0;
        friend bool operator==(const Class&, const Class&) = default;
    };
    void add_to_class(std::uint16_t number, std::uint64_t count);

    std::vector<Class> classes_;  // sorted; one piece, because it is copied for each transaction
    std::uint64_t count_ = 0;
    std::uint64_t sum_us_ = 0;
};

}  // namespace windlass::store
