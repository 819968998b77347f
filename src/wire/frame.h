// The frames of the worker channel (docs/worker-protocol.md), sans I/O: bytes in, frames out. What
// the JSON of a frame says is read in wire/frame_meta.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace windlass::wire {

// Values are the protocol's. Those marked reserved are known but carry nothing in version 1.
enum class FrameType : std::uint8_t {
    // worker to daemon
    hello = 1,
    loaded = 2,
    started = 3,
    result = 4,
    chunk = 5,  // reserved
    progress = 6,
    heartbeat = 7,
    error = 8,
    recalled = 9,
    offloaded = 10,
    restored = 11,
    memory = 12,  // reserved
    log = 13,
    settings = 14,
    // daemon to worker
    load = 65,
    run = 66,
    recall = 67,
    cancel = 68,
    offload = 69,
    restore = 70,
    stop = 71,
};

// "hello"; "unknown" for a value outside the enumeration.
std::string_view to_text(FrameType type);

enum class Side : std::uint8_t { worker, daemon };

// Who sends frames of this type; none when the type is unknown.
std::optional<Side> find_sender(FrameType type);

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::size_t kMetaSizeMax = 65'536;

struct Frame {
    FrameType type = FrameType::heartbeat;
    std::uint64_t id = 0;  // the request; 0 where there is none
    std::string meta;      // one JSON object, or nothing; not looked at here
    std::string body;

    friend bool operator==(const Frame&, const Frame&) = default;
};

// The header and the meta of a frame whose body follows as it is, so that a large one need not be
// copied. `meta` has at most kMetaSizeMax bytes and `body_size` fits 32 bits; both are asserted.
std::string encode_head(FrameType type, std::uint64_t id, std::string_view meta,
                        std::size_t body_size = 0);

// The whole frame in one string.
std::string encode(const Frame& frame);

// Cuts a stream of bytes into frames, wherever the pieces were cut. A body is collected in place:
// each of its bytes is copied once. Memory held: one frame, so at most meta and body limit.
class FrameReader {
  public:
    // Accepts frames that `sender` may send, with bodies of at most `body_size_max` bytes.
    explicit FrameReader(Side sender, std::uint32_t body_size_max = 0)
        : sender_(sender), body_size_max_(body_size_max) {}

    // Holds for headers that are read from now on.
    void set_body_size_max(std::uint32_t bytes) { body_size_max_ = bytes; }

    // Takes bytes off the front of `input` until a frame is complete or `input` is empty. Returns
    // the frame, or nothing when more bytes are needed; call it again until it returns nothing.
    // data_corrupt when a header breaks a limit or names an unknown type: nothing of the frame is
    // stored then, and every later call returns the same error.
    base::Result<std::optional<Frame>> next(std::span<const char>& input);

    // True between two frames: an end of the stream here loses nothing.
    bool is_between_frames() const { return header_filled_ == 0; }

  private:
    base::Result<void> open_frame();
    base::Error reject(std::string why);

    Side sender_;
    std::uint32_t body_size_max_;
    std::array<char, kHeaderSize> header_ = {};
    std::size_t header_filled_ = 0;
    std::size_t meta_size_ = 0;  // of frame_, once its header is complete
    std::size_t body_size_ = 0;
    Frame frame_;
    std::optional<base::Error> broken_;
};

}  // namespace windlass::wire
