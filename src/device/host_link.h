// The daemon's end of one driver host over its successive processes: one question at a time, each
// answered exactly once, at its deadline at the latest. Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/host_processes.h"
#include "io/stream.h"
#include "io/timer.h"
#include "wire/host_frame.h"

namespace windlass::device {

struct HostLimits {
    base::Duration answer{};         // for one answer
    base::Duration first_answer{};   // for the first one of a process: the driver is opened in it
    base::Duration restart_pause{};  // between two starts of a process
};

class HostLink {
  public:
    // What the host answered. Errors: what it answered as `failed`; `timeout` when nothing came in
    // time, `worker_lost` when its process died, `data_corrupt` when it did not keep the protocol,
    // `unavailable` when there is none and it is too early for another. After the last four the
    // process is gone, or as good as that.
    using Reply = std::move_only_function<void(base::Result<std::string> meta)>;

    // `processes` outlives it.
    HostLink(io::Loop& loop, HostProcesses& processes, DriverHostOrder order, HostLimits limits);
    ~HostLink();  // abandons its process; a question that is open is never answered
    HostLink(const HostLink&) = delete;
    HostLink& operator=(const HostLink&) = delete;

    // `question`: ask_listing or ask_sample. There must be none that waits for its answer. `reply`
    // comes from the loop, never from here, and may ask the next one.
    void ask(wire::HostFrameType question, std::string meta, Reply reply);
    bool is_asking() const { return !!reply_; }

    std::optional<pid_t> pid() const;

    // One that was killed is still there: it hangs in the kernel.
    bool has_stuck() const;

    // So many processes that were killed and are still there keep another from being started: each
    // hangs in the kernel, and one more would hang there too.
    static constexpr std::size_t kStuckMax = 3;

  private:
    base::Result<void> ensure_process();
    base::Duration answer_limit() const;
    base::Instant next_start(const base::Error& loss) const;
    void refuse(base::Error error);
    void on_data(std::span<const char> bytes);
    void lose(base::Error error);
    void answer(base::Result<std::string> meta);

    io::Loop& loop_;
    HostProcesses& processes_;
    DriverHostOrder order_;
    HostLimits limits_;
    struct Running {
        std::uint64_t number = 0;
        pid_t pid = 0;
        bool has_answered = false;
        wire::HostFrameReader reader{wire::HostSide::host};
        std::unique_ptr<io::Stream> stream;
    };
    std::unique_ptr<Running> running_;
    std::vector<std::unique_ptr<Running>> ended_;  // until bury_ comes
    std::vector<std::uint64_t> stuck_;             // numbers of processes that were abandoned
    base::Instant started_;                        // the last process
    std::optional<base::Instant> lost_;
    std::optional<base::Instant> not_before_;  // the next process
    std::string last_failure_;                 // why there is no process
    Reply reply_;
    wire::HostFrameType expected_ = wire::HostFrameType::listing;
    std::uint64_t last_id_ = 0;
    std::optional<base::Error> refusal_;  // what the timer answers with, instead of `timeout`
    io::Timer timer_;
    io::Timer bury_;
};

}  // namespace windlass::device
