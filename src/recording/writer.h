// Writes a recording: what an engine was made from, then what it heard and said, as bytes.
//
//   "windlass recording\n", then records: their size and a checksum (4 bytes each, little-endian),
//   and that many bytes, of which the first says what they are (RecordKind). docs/replay.md
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/engine.h"
#include "recording/codec.h"

namespace windlass::recording {

inline constexpr std::string_view kMagic = "windlass recording\n";
inline constexpr std::size_t kRecordHeadSize = 8;
inline constexpr std::size_t kRecordMax = 8 << 20;  // its bytes; a thousand models have 200 KB

enum class RecordKind : std::uint8_t {
    head = 1,      // the first record, and only that
    event = 2,     // with its time since the one before
    commands = 3,  // of the event before; left out when there are none
    end = 4,       // the last record, if nobody has killed the daemon
};

enum class RecordingEnd : std::uint8_t {
    stopped = 1,  // its daemon ended
    limit = 2,    // the recording was as large as it may be
};

struct Head {
    std::string version;  // of the program
    std::string commit;
    std::int64_t begun_unix_s = 0;  // wall time, for people
    Origin origin;
};

class Writer {
  public:
    explicit Writer(const Head& head);

    // Lets the engine handle the event, and writes down both sides. An event is written before it
    // is handled: should the engine break, it is the last record. Time that passes and in which
    // nothing is due is not worth a record, because it changes nothing.
    void handle(core::Engine& engine, const core::Event& event, core::Instant now,
                core::Commands& out);
    void end(RecordingEnd why);

    // What has been written and not been taken. Whoever wants to forget the last records again may
    // shorten it between two calls, to what was its size between two earlier ones.
    std::string& pending() { return pending_; }

  private:
    std::size_t begin(RecordKind kind);
    void finish(std::size_t begin);

    std::string pending_;
    core::Instant last_{};  // when the last event was
};

}  // namespace windlass::recording
