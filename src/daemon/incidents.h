// What happened to workers that did not end as they should: detected, looked at, ended, reaped, and
// the model serves again; each step with its time. A record for people: nothing is decided by it.
// Thread: main.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/command.h"
#include "http/worker_status.h"
#include "worker/event.h"

namespace windlass::daemon {

class Incidents {
  public:
    // What is known of a worker when something is noted of it.
    struct Subject {
        std::string model = {};
        int pid = 0;
        std::optional<base::Instant> last_heartbeat = {};
        std::string device = "cpu";  // or the UUID of its GPU
    };

    // Once for each, as soon as its cause is known: the type of an error, or "forced" where it
    // ended without one.
    using OnCause = std::function<void(const std::string& model, std::string_view cause)>;
    explicit Incidents(OnCause on_cause = {}) : on_cause_(std::move(on_cause)) {}

    // Opens an incident with what tells of one, or adds a step to that of its generation.
    void note(const core::Report& report, const Subject& subject, base::Instant now);
    // An administrator wants it killed.
    void note_order(core::Generation generation, const Subject& subject, base::Instant now);
    // It held more of the machine's memory than it may.
    void note_exceeded(core::Generation generation, const Subject& subject,
                       const base::Error& error, base::Instant now);
    // worker_terminated or worker_killed, once that signal is sent and not only due.
    void note_signal(core::Generation generation, core::EventCode code, base::Instant now);
    // Evidence, progress, output and ends.
    void note(const worker::Event& event, base::Instant now);

    // What the driver said of it when the evidence was taken.
    void note_activity(core::Generation generation, http::DeviceActivityHistory activity);

    // A generation whose end is told of: only its memory may still be on its way back.
    void forget(core::Generation generation);

    // What it last said of itself.
    std::optional<http::ProgressStatus> progress_of(core::Generation generation,
                                                    base::Instant now) const;

    // Of a model; 0: it has none.
    std::uint64_t find_latest(std::string_view model) const;
    // The latest of a worker; none: it has none, or it is forgotten.
    std::optional<http::IncidentStatus> incident_of(core::Generation generation) const;
    // The latest first.
    std::vector<http::IncidentStatus> list() const;

    // Older ones are forgotten. One with its evidence has some 10 KiB, and 256 KiB at most.
    static constexpr std::size_t kKept = 100;

  private:
    struct Incident {
        http::IncidentStatus status;
        core::ModelId model_id;
        base::Instant detected;
        bool is_over = false;     // reaped, or given up
        bool is_resumed = false;  // the model serves again
        bool is_told = false;     // of its cause
    };
    // How a process ended. The engine tells first that it was reaped, then what that means.
    struct End {
        std::string how;
        std::uint64_t leftovers = 0;
        bool is_reaped = false;
    };
    struct Progress {
        http::ProgressStatus status;
        base::Instant at;
    };

    Incident* find(core::Generation generation);
    Incident& open(core::Generation generation, const Subject& subject, base::Instant now);
    void keep(const worker::Printed& printed);
    void add_output(Incident& incident) const;
    static void add_step(Incident& incident, http::IncidentStep step, base::Instant now);
    void tell_cause(Incident& incident);
    void note_memory(const core::Report& report, base::Instant now);
    void finish(Incident& incident, const End& end, base::Instant now);
    void resume(core::ModelId model, base::Instant now);

    const OnCause on_cause_;
    std::deque<Incident> incidents_;  // the oldest first
    std::map<core::Generation, Progress> progress_;
    std::map<core::Generation, End> ends_;
    std::map<core::Generation, std::deque<std::string>> outputs_;  // the last lines of each
    std::uint64_t last_id_ = 0;
};

}  // namespace windlass::daemon
