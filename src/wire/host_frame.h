// The frames between the daemon and a driver host (src/device), sans I/O: bytes in, frames out.
// What their JSON says is read in wire/host_message.h. Both ends are one program of one version.
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

enum class HostFrameType : std::uint8_t {
    // host to daemon: each answers the request of its id
    listing = 1,
    sample = 2,
    failed = 3,  // a base::Error; the host lives on
    // daemon to host
    ask_listing = 65,
    ask_sample = 66,
};

// "listing"; "unknown" for a value outside the enumeration.
std::string_view to_text(HostFrameType type);

enum class HostSide : std::uint8_t { host, daemon };

inline constexpr std::uint8_t kHostProtocolVersion = 1;
inline constexpr std::size_t kHostHeaderSize = 16;
inline constexpr std::size_t kHostMetaSizeMax = 1 << 20;

struct HostFrame {
    HostFrameType type = HostFrameType::ask_listing;
    std::uint64_t id = 0;  // of the request
    std::string meta;      // one JSON object, or nothing; not looked at here

    friend bool operator==(const HostFrame&, const HostFrame&) = default;
};

// The header (type, version, two bytes of zero, size of the meta, id; little-endian), then the
// meta, of at most kHostMetaSizeMax bytes, which is asserted.
std::string encode(const HostFrame& frame);

// Cuts a stream of bytes into frames, wherever the pieces were cut. Holds one frame at most.
class HostFrameReader {
  public:
    // Accepts frames that `sender` may send.
    explicit HostFrameReader(HostSide sender) : sender_(sender) {}

    // Takes bytes off the front of `input` until a frame is complete or `input` is empty; call it
    // again until it returns nothing. data_corrupt when a header breaks a limit or names a type
    // that `sender` does not send; every later call returns the same error then.
    base::Result<std::optional<HostFrame>> next(std::span<const char>& input);

  private:
    base::Result<void> open_frame();
    base::Error reject(std::string why);

    HostSide sender_;
    std::array<char, kHostHeaderSize> header_ = {};
    std::size_t header_filled_ = 0;
    std::size_t meta_size_ = 0;  // of frame_, once its header is complete
    HostFrame frame_;
    std::optional<base::Error> broken_;
};

}  // namespace windlass::wire
