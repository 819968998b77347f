// Cuts and builds the frames of driver hosts.
#include "wire/host_frame.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "wire/little_endian.h"

namespace windlass::wire {
namespace {

// Offsets in the header.
constexpr std::size_t kHostVersionAt = 1;
constexpr std::size_t kHostReservedAt = 2;
constexpr std::size_t kHostMetaSizeAt = 4;
constexpr std::size_t kHostIdAt = 8;

// What arrives of a large meta is kept as it comes; more is not promised to it beforehand.
constexpr std::size_t kReservedAtOnce = 64 << 10;

std::optional<HostSide> find_host_sender(HostFrameType type) {
    switch (type) {
        case HostFrameType::listing:
        case HostFrameType::sample:
        case HostFrameType::failed: return HostSide::host;
        case HostFrameType::ask_listing:
        case HostFrameType::ask_sample: return HostSide::daemon;
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_text(HostFrameType type) {
    switch (type) {
        case HostFrameType::listing: return "listing";
        case HostFrameType::sample: return "sample";
        case HostFrameType::failed: return "failed";
        case HostFrameType::ask_listing: return "ask_listing";
        case HostFrameType::ask_sample: return "ask_sample";
    }
    return "unknown";
}

std::string encode(const HostFrame& frame) {
    WL_ASSERT(frame.meta.size() <= kHostMetaSizeMax);
    std::string bytes;
    bytes.reserve(kHostHeaderSize + frame.meta.size());
    put_little_endian(bytes, std::to_underlying(frame.type));
    put_little_endian(bytes, kHostProtocolVersion);
    put_little_endian(bytes, std::uint16_t{0});
    put_little_endian(bytes, static_cast<std::uint32_t>(frame.meta.size()));
    put_little_endian(bytes, frame.id);
    return bytes + frame.meta;
}

base::Result<std::optional<HostFrame>> HostFrameReader::next(std::span<const char>& input) {
    const auto take = [&input](std::size_t wanted) {
        const std::span<const char> piece = input.first(std::min(wanted, input.size()));
        input = input.subspan(piece.size());
        return piece;
    };
    if (broken_) return *broken_;
    if (header_filled_ < kHostHeaderSize) {
        const std::span<const char> piece = take(kHostHeaderSize - header_filled_);
        std::ranges::copy(piece, std::span{header_}.subspan(header_filled_).begin());
        header_filled_ += piece.size();
        if (header_filled_ < kHostHeaderSize) return std::optional<HostFrame>{};
        WL_TRY(open_frame());
    }
    const std::span<const char> piece = take(meta_size_ - frame_.meta.size());
    frame_.meta.append(piece.data(), piece.size());
    if (frame_.meta.size() < meta_size_) return std::optional<HostFrame>{};
    header_filled_ = 0;
    return std::optional<HostFrame>{std::exchange(frame_, HostFrame{})};
}

base::Result<void> HostFrameReader::open_frame() {
    const std::span<const char> header{header_};
    const auto type = static_cast<HostFrameType>(get_little_endian<std::uint8_t>(header));
    const auto version = get_little_endian<std::uint8_t>(header.subspan(kHostVersionAt));
    const auto reserved = get_little_endian<std::uint16_t>(header.subspan(kHostReservedAt));
    meta_size_ = get_little_endian<std::uint32_t>(header.subspan(kHostMetaSizeAt));
    if (version != kHostProtocolVersion || reserved != 0) {
        return reject(
            fmt::format("it begins with the bytes {:02x} {:02x} {:04x}, which is no "
                        "header of version {}",
                        std::to_underlying(type), version, reserved, kHostProtocolVersion));
    }
    if (find_host_sender(type) != sender_) {
        return reject(fmt::format("type {} ({}) is not one that the {} sends",
                                  std::to_underlying(type), to_text(type),
                                  sender_ == HostSide::host ? "driver host" : "daemon"));
    }
    if (meta_size_ > kHostMetaSizeMax) {
        return reject(fmt::format("its meta has {} bytes, at most {} are allowed", meta_size_,
                                  kHostMetaSizeMax));
    }
    frame_.type = type;
    frame_.id = get_little_endian<std::uint64_t>(header.subspan(kHostIdAt));
    frame_.meta.reserve(std::min(meta_size_, kReservedAtOnce));
    return {};
}

base::Error HostFrameReader::reject(std::string why) {
    broken_ =
        base::fail(base::Errc::data_corrupt, "broken frame of a driver host: " + std::move(why));
    return *broken_;
}

}  // namespace windlass::wire
