// Classes of durations, and their bytes: the sum, then a number and a count for each class, little
// end first.
#include "store/time_sketch.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace windlass::store {
namespace {

constexpr double kGrowth = 1.02;
constexpr std::size_t kSumSize = 8;
constexpr std::size_t kClassSize = 2 + 8;

void put(std::string& bytes, std::uint64_t number, std::size_t size) {
    std::array<char, sizeof number> little_end_first{};
    for (std::size_t i = 0; i < size; ++i) {
        little_end_first[i] = static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
    }
    bytes.append(little_end_first.data(), size);
}

std::uint64_t get(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t number = 0;
    for (std::size_t i = size; i-- > 0;) {
        number = (number << 8U) | static_cast<unsigned char>(bytes[at + i]);
    }
    return number;
}

std::uint16_t class_of(double us) {
    if (us <= 1) return 0;
    return static_cast<std::uint16_t>(std::ceil(std::log(us) / std::log(kGrowth)));
}

// The middle of a class, in proportion.
double value_us(std::uint16_t number) {
    if (number == 0) return 0.5;
    return std::pow(kGrowth, number) * 2 / (1 + kGrowth);
}

}  // namespace

void TimeSketch::add_to_class(std::uint16_t number, std::uint64_t count) {
    const auto place = std::ranges::lower_bound(classes_, number, {}, &Class::number);
    if (place != classes_.end() && place->number == number) {
        place->count += count;
    } else {
        classes_.insert(place, {number, count});
    }
}

void TimeSketch::add(base::Duration duration) {
    const auto us = std::max<std::int64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(duration).count(), 0);
    add_to_class(class_of(static_cast<double>(us)), 1);
    ++count_;
    sum_us_ += static_cast<std::uint64_t>(us);
}

void TimeSketch::merge(const TimeSketch& other) {
    for (const auto& [number, count] : other.classes_) add_to_class(number, count);
    count_ += other.count_;
    sum_us_ += other.sum_us_;
}

double TimeSketch::mean_ms() const {
    if (count_ == 0) return 0;
    return static_cast<double>(sum_us_) / static_cast<double>(count_) / 1'000;
}

double TimeSketch::quantile_ms(double q) const {
    if (count_ == 0) return 0;
    const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (const auto& [number, count] : classes_) {
        seen += count;
        if (seen >= std::max<std::uint64_t>(rank, 1)) return value_us(number) / 1'000;
    }
    return 0;
}

std::string TimeSketch::to_bytes() const {
    std::string bytes;
    bytes.reserve(kSumSize + classes_.size() * kClassSize);
    put(bytes, sum_us_, kSumSize);
    for (const auto& [number, count] : classes_) {
        put(bytes, number, 2);
        put(bytes, count, 8);
    }
    return bytes;
}

TimeSketch TimeSketch::from_bytes(std::string_view bytes) {
    TimeSketch sketch;
    if (bytes.size() < kSumSize || (bytes.size() - kSumSize) % kClassSize != 0) return sketch;
    sketch.sum_us_ = get(bytes, 0, kSumSize);
    for (std::size_t at = kSumSize; at < bytes.size(); at += kClassSize) {
        const std::uint64_t count = get(bytes, at + 2, 8);
        sketch.add_to_class(static_cast<std::uint16_t>(get(bytes, at, 2)), count);
        sketch.count_ += count;
    }
    return sketch;
}

}  // namespace windlass::store
