// The store of jobs, in memory, with the semantics of the real one: it does what it is told in
// order, each a moment later, under its guards; what is not done when the daemon dies is lost. It
// outlives daemons, and knows what no job may ever be.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/command.h"
#include "core/event.h"

namespace windlass::simulation {

class FakeJobs {
  public:
    using Instant = core::Instant;
    using Duration = core::Duration;

    struct Ask {  // for a job
        core::ModelId model;
        std::uint64_t rank = 0;
        std::optional<Duration> run_timeout = {};
        std::optional<Duration> stall_timeout = {};
        std::optional<Duration> deadline = {};
    };

    // The event that tells its first attempt to a daemon that starts.
    core::JobStoreOpened open();
    core::JobId submit(const Ask& ask, Instant now);
    void cancel(core::JobId job);
    // Done at `at`, but never before what was ordered earlier. `refused`: the disk is full.
    void order(const core::Command& command, Instant at, bool is_refused);

    // When there is something to tell; empty: nothing.
    std::optional<Instant> next_due() const;
    // What is to be told by now. `new_request` numbers heads.
    std::vector<core::Event> take_due(Instant now,
                                      const std::function<core::RequestId()>& new_request);

    // What it holds that no daemon would be told again.
    std::vector<core::Event> tell_all() const;
    void crash(Instant now);  // the daemon died

    bool has_orders() const { return !orders_.empty(); }
    Instant last_order() const { return orders_.empty() ? Instant{} : orders_.back().at; }
    std::vector<core::JobId> live() const { return {live_.begin(), live_.end()}; }
    const std::optional<std::string>& broken() const { return broken_; }

  private:
    enum class Place : std::uint8_t { ready, due, lease, over };
    struct Row {
        Ask ask;
        Place place = Place::ready;
        Instant due;       // of one that waits
        Instant deadline;  // the end of time: none
        std::uint64_t attempt = 0;
        std::uint32_t failures = 0;
        std::uint32_t crashes = 0;
        bool is_cancelled = false;  // a user wants that
        bool is_stopped = false;
        std::optional<core::JobEnd> end = {};
    };
    struct Order {
        Instant at;
        core::Command command;
        bool is_refused = false;
    };

    core::JobHead head_of(core::JobId job, Instant now, core::RequestId request) const;
    core::Event fetch(const core::FetchHead& command, Instant now,
                      const std::function<core::RequestId()>& new_request);
    core::Event claim(const core::ClaimJob& command, Instant now);
    core::Event settle(const core::SettleJob& command, Instant now);
    void promote(Instant now);
    void finish(core::JobId job, core::JobEnd end);
    void fail(const std::string& sentence);

    std::map<core::JobId, Row> rows_;
    std::set<core::JobId> live_;  // of these, those that are not over: few of an hour's jobs
    std::deque<Order> orders_;
    std::vector<core::JobId> fresh_;  // accepted, and not told
    std::set<core::ModelId> news_;    // of which others became ready
    std::uint64_t incarnation_ = 0;
    std::uint64_t last_attempt_ = 0;
    std::optional<std::string> broken_;
};

}  // namespace windlass::simulation
