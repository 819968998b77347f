// The store of a few jobs of a small world: it does what it is told in order, one thing at a time,
// and all that may happen there are moves. Says when a job runs twice at once, is settled twice, or
// is tried again too early.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/command.h"
#include "core/state_encoder.h"
#include "exploration/move.h"

namespace windlass::exploration {

struct JobOptions {
    int count = 0;            // all of the first model, one rank after the other
    bool has_cancel = false;  // users may cancel
    int refusals_max = 0;     // so often its disk is full when it is asked
};

class SmallJobs {
  public:
    explicit SmallJobs(std::shared_ptr<const JobOptions> options);

    void add_moves(std::vector<Move>& moves) const;
    // What the engine hears of a move that is the store's; empty: it is not.
    std::optional<core::Event> perform(const Move& move);
    void note(const core::Command& command);
    // A worker has ended a run, or is gone and all that it had with it.
    void end_run(core::RequestId request);
    void end_worker(core::Generation generation);

    // Nothing is owed to any job. Once the daemon ends, what waits may stay.
    bool is_quiet(bool is_closing) const;
    std::vector<core::RequestId> claimed() const;  // whose results somebody may send
    const std::optional<std::string>& broken() const { return broken_; }
    void encode(core::StateEncoder& encoder) const;

  private:
    enum class Place : std::uint8_t { unborn, ready, lease, due, over };
    struct Row {
        Place place = Place::unborn;
        std::uint32_t failures = 0;
        std::uint32_t crashes = 0;
        std::uint64_t attempt = 0;
        core::RequestId request;    // of its latest attempt
        core::Generation runs_in;   // none: no worker has it
        bool is_cancelled = false;  // a user wants that
        bool is_stopped = false;    // its attempt is to come to nothing
    };

    std::optional<core::Event> answer(bool is_refused);
    core::Event fetch(const core::FetchHead& command);
    core::JobHead head_of(core::JobId job);
    core::Event claim(const core::ClaimJob& command);
    core::Event settle(const core::SettleJob& command);
    void send(const core::Dispatch& command);
    void note_stops();
    void fail(const char* sentence);

    std::shared_ptr<const JobOptions> options_;  // of all copies
    std::map<core::JobId, Row> rows_;
    std::deque<core::Command> orders_;
    std::uint64_t last_request_ = 1000;
    int refusals_ = 0;
    std::optional<std::string> broken_;
};

}  // namespace windlass::exploration
