// Reads a recording. Its bytes may be anything: what does not hold together is an error, and memory
// stays in proportion to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "recording/writer.h"

namespace windlass::recording {

// One event, and what the engine commanded then.
struct Step {
    core::Instant now;
    core::Event event;
    std::optional<core::Commands> commands;  // empty: the recording ends before them
};

class Reader {
  public:
    // `bytes` outlive it. Errors: `invalid_input` (no recording), `unsupported` (of another version
    // of Windlass), `data_corrupt`.
    static base::Result<Reader> open(std::string_view bytes);

    const Head& head() const { return head_; }

    // The next one; empty: that was all. Error: `data_corrupt`, once.
    base::Result<std::optional<Step>> next();

    // After the last step. Empty: the daemon was killed, or the file was cut off.
    std::optional<RecordingEnd> end() const { return end_; }
    // Bytes at the end of the file that are no whole record.
    std::size_t torn() const { return rest_.size(); }

  private:
    struct Record {
        RecordKind kind;
        std::string_view body;
        std::size_t size;  // with all that is around it
    };

    explicit Reader(std::string_view rest) : rest_(rest) {}

    base::Result<void> read_head();
    std::optional<Record> peek() const;
    void skip(const Record& record) { rest_.remove_prefix(record.size); }
    base::Result<std::optional<Step>> give_up(std::string_view what);

    Head head_;
    std::string_view rest_;
    std::optional<RecordingEnd> end_;
    core::Instant now_{};
    std::uint64_t event_count_ = 0;
};

}  // namespace windlass::recording
