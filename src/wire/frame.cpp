// Cuts and builds the frames of the worker channel.
#include "wire/frame.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "wire/little_endian.h"

namespace windlass::wire {
namespace {

// Offsets in the header, from the table in docs/worker-protocol.md.
constexpr std::size_t kVersionAt = 1;
constexpr std::size_t kReservedAt = 2;
constexpr std::size_t kMetaSizeAt = 4;
constexpr std::size_t kBodySizeAt = 8;
constexpr std::size_t kIdAt = 12;

struct TypeRow {
    FrameType type;
    std::string_view name;
    Side sender;
};

constexpr auto make_type_table() {
    using enum FrameType;
    return std::to_array<TypeRow>({
        {hello, "hello", Side::worker},
        {loaded, "loaded", Side::worker},
        {started, "started", Side::worker},
        {result, "result", Side::worker},
        {chunk, "chunk", Side::worker},
        {progress, "progress", Side::worker},
        {heartbeat, "heartbeat", Side::worker},
        {error, "error", Side::worker},
        {recalled, "recalled", Side::worker},
        {offloaded, "offloaded", Side::worker},
        {restored, "restored", Side::worker},
        {memory, "memory", Side::worker},
        {log, "log", Side::worker},
        {settings, "settings", Side::worker},
        {load, "load", Side::daemon},
        {run, "run", Side::daemon},
        {recall, "recall", Side::daemon},
        {cancel, "cancel", Side::daemon},
        {offload, "offload", Side::daemon},
        {restore, "restore", Side::daemon},
        {stop, "stop", Side::daemon},
    });
}
constexpr auto kTypes = make_type_table();

const TypeRow* find_row(FrameType type) {
    const auto row = std::ranges::find(kTypes, type, &TypeRow::type);
    return row == kTypes.end() ? nullptr : row;
}

std::span<const char> take_front(std::span<const char>& input, std::size_t wanted) {
    const std::span<const char> piece = input.first(std::min(wanted, input.size()));
    input = input.subspan(piece.size());
    return piece;
}

void append_up_to(std::string& out, std::size_t size, std::span<const char>& input) {
    const std::span<const char> piece = take_front(input, size - out.size());
    out.append(piece.data(), piece.size());
}

}  // namespace

std::string_view to_text(FrameType type) {
    const TypeRow* const row = find_row(type);
    return row == nullptr ? "unknown" : row->name;
}

std::optional<Side> find_sender(FrameType type) {
    const TypeRow* const row = find_row(type);
    if (row == nullptr) return std::nullopt;
    return row->sender;
}

std::string encode_head(FrameType type, std::uint64_t id, std::string_view meta,
                        std::size_t body_size) {
    WL_ASSERT(meta.size() <= kMetaSizeMax);
    WL_ASSERT(body_size <= std::numeric_limits<std::uint32_t>::max());
    std::string head;
    head.reserve(kHeaderSize + meta.size());
    put_little_endian(head, std::to_underlying(type));
    put_little_endian(head, kProtocolVersion);
    put_little_endian(head, std::uint16_t{0});
    put_little_endian(head, static_cast<std::uint32_t>(meta.size()));
    put_little_endian(head, static_cast<std::uint32_t>(body_size));
    put_little_endian(head, id);
    head.append(meta);
    return head;
}

std::string encode(const Frame& frame) {
    return encode_head(frame.type, frame.id, frame.meta, frame.body.size()) + frame.body;
}

base::Result<std::optional<Frame>> FrameReader::next(std::span<const char>& input) {
    if (broken_) return *broken_;
    if (header_filled_ < kHeaderSize) {
        const std::span<const char> piece = take_front(input, kHeaderSize - header_filled_);
        std::ranges::copy(piece, std::span{header_}.subspan(header_filled_).begin());
        header_filled_ += piece.size();
        if (header_filled_ < kHeaderSize) return std::optional<Frame>{};
        WL_TRY(open_frame());
    }
    append_up_to(frame_.meta, meta_size_, input);
    append_up_to(frame_.body, body_size_, input);
    if (frame_.meta.size() < meta_size_ || frame_.body.size() < body_size_) {
        return std::optional<Frame>{};
    }
    header_filled_ = 0;
    return std::optional<Frame>{std::exchange(frame_, Frame{})};
}

// Checks the whole header before it makes room for anything.
base::Result<void> FrameReader::open_frame() {
    const std::span<const char> header{header_};
    const auto type = static_cast<FrameType>(get_little_endian<std::uint8_t>(header));
    const auto version = get_little_endian<std::uint8_t>(header.subspan(kVersionAt));
    const auto reserved = get_little_endian<std::uint16_t>(header.subspan(kReservedAt));
    meta_size_ = get_little_endian<std::uint32_t>(header.subspan(kMetaSizeAt));
    body_size_ = get_little_endian<std::uint32_t>(header.subspan(kBodySizeAt));
    if (version != kProtocolVersion || reserved != 0) {
        return reject(fmt::format(
            "it begins with the bytes {:02x} {:02x} {:02x} {:02x}, which is no"
            " header of protocol version {}",
            std::to_underlying(type), version, reserved & 0xFFU, reserved >> 8U, kProtocolVersion));
    }
    if (find_sender(type) != sender_) {
        return reject(fmt::format("type {} ({}) is not one that the {} sends",
                                  std::to_underlying(type), to_text(type),
                                  sender_ == Side::worker ? "worker" : "daemon"));
    }
    if (meta_size_ > kMetaSizeMax) {
        return reject(
            fmt::format("its meta has {} bytes, at most {} are allowed", meta_size_, kMetaSizeMax));
    }
    if (body_size_ > body_size_max_) {
        return reject(fmt::format("its body has {} bytes, at most {} are allowed", body_size_,
                                  body_size_max_));
    }
    frame_.type = type;
    frame_.id = get_little_endian<std::uint64_t>(header.subspan(kIdAt));
    frame_.meta.reserve(meta_size_);
    frame_.body.reserve(body_size_);  // address space only: pages come as the bytes arrive
    return {};
}

base::Error FrameReader::reject(std::string why) {
    broken_ = base::fail(base::Errc::data_corrupt, "broken frame: " + std::move(why));
    return *broken_;
}

}  // namespace windlass::wire
