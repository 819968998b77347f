// Runs a recording through the engine of this program again, and tells the first step at which that
// engine does something else than it did then, or breaks one of its invariants.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/engine.h"
#include "recording/reader.h"
#include "recording/text.h"

namespace windlass::recording {

// A step in words.
struct StepText {
    std::uint64_t number = 0;  // of the event, from 1 on
    core::Duration since{};    // the first event
    std::string event;
    std::vector<std::string> commands;  // as recorded
};

enum class FindingKind : std::uint8_t {
    difference,        // the engine commanded something else
    broken_invariant,  // an assertion of the engine failed, or its invariants do not hold after it
};

struct Finding {
    FindingKind kind = FindingKind::difference;
    std::string condition;         // that does not hold, and where; of a broken invariant
    std::vector<StepText> before;  // the last steps before it, oldest first
    StepText step;
    bool is_recorded = true;       // false: the recording ends before the commands of this step
    std::vector<std::string> now;  // what the engine commands today, as far as it came
};

struct Summary {
    std::uint64_t event_count = 0;
    std::uint64_t command_count = 0;
    core::Duration span{};             // from the first event to the last
    std::vector<std::string> models;   // all that ever were
    std::vector<std::string> devices;  // likewise
};

class Replay {
  public:
    static constexpr std::size_t kStepsBefore = 10;  // that a finding tells

    // Error: `data_corrupt`, what no daemon can be made from.
    static base::Result<Replay> make(const Head& head);

    // Empty: the same commands, and all invariants hold. After a finding the engine is of no more
    // use. Not from two threads at once: it catches assertions.
    std::optional<Finding> take(Step step);

    Summary summary() const;

  private:
    explicit Replay(const Head& head);
    struct Numbered {
        std::uint64_t number;
        Step step;
    };
    StepText tell(const Numbered& numbered) const;
    Finding tell_finding(FindingKind kind, std::string condition, const Numbered& numbered,
                         const core::Commands& now) const;

    core::Engine engine_;
    Names names_;
    std::deque<Numbered> before_;
    std::optional<core::Instant> begun_;
    core::Instant last_{};
    std::uint64_t event_count_ = 0;
    std::uint64_t command_count_ = 0;
};

// All of it, up to the first finding. Error: `data_corrupt`.
base::Result<std::optional<Finding>> replay_all(Reader& reader, Replay& replay);

}  // namespace windlass::recording
