// Starts worker processes, talks to them and sees them end. Decides nothing: it carries orders out
// at once and reports what happens; deadlines belong to the caller. Thread: the loop's, which must
// be the main thread (the parent-death signal follows the thread that spawned).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "io/stream.h"
#include "wire/frame_meta.h"
#include "worker/event.h"

namespace windlass::io {
class Loop;
}

namespace windlass::worker {

class KeeperLink;

struct SupervisorOptions {
    // Each worker's environment has WINDLASS_WORKER=daemon_id/generation.
    std::string daemon_id;
    // Is run as `executable worker-exec ...` (exec_shim.h).
    std::string executable = "/proc/self/exe";
    // Is run as `searcher tag-search ...` and `searcher evidence ...` (tag_search.h, evidence.h).
    std::string searcher = "/proc/self/exe";
    // Must exist; holds the workers' private TMPDIRs.
    std::string runtime_dir;
    // Folder of the workers' cgroups (cgroup.h). Empty: there can be none.
    std::string cgroup = {};
    // Is told who was started and who is gone. An outer object owns it; null: nobody is told.
    KeeperLink* keeper = nullptr;
};

struct LaunchOrder {
    std::uint64_t generation = 0;   // above every one used before
    std::string model;              // for Printed and messages
    std::string variant;            // of that model; empty: none
    std::vector<std::string> argv;  // the program first; looked up in PATH if it has no slash
    std::map<std::string, std::string> environment;  // set on top of the daemon's own
    std::string device = "cpu";  // or the UUID of a GPU; of one that stands by, of all it may use
    bool is_standby = false;     // load() comes later, and says which of them it is for
    // What it and all that it starts may hold of the machine's memory; beyond that it is killed.
    std::optional<base::Bytes> host_memory = {};
};

// Rules that hold for each generation:
// - Events come from the loop only, never from within a call of a method here.
// - Exactly one of LaunchFailed and Exited ends it; nothing is delivered for it afterwards, and
//   orders for it are dropped silently, before or after that event is seen.
// - Frames that the worker wrote before it died are delivered before Exited, and so are the lines
//   it printed. When the process ends, its whole process group is killed before it is reaped.
// - A frame that breaks the protocol, or the end of the channel while the process lives on (it is
//   given 250 ms to exit first, because Exited says more), is one ChannelLost; the channel is
//   closed then, which tells a sound worker to exit.
// - Each run() is followed by one of Answered, Failed, and Recalled with `true`; by none only when
//   ChannelLost, Exited or LaunchFailed comes. A worker that answers twice, or what it was not
//   asked, is heard all the same: whoever gave the run knows what is still open and drops the rest.
class Supervisor {
  public:
    // `on_event` must not destroy the supervisor; it may call every method.
    Supervisor(io::Loop& loop, SupervisorOptions options, std::function<void(Event)> on_event);
    // Kills every worker that is left and does not wait for it: reap them first, by kill() and
    // waiting for Exited.
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // Starts a process in a session and process group of its own, with
    //   stdin /dev/null; stdout and stderr as pipes whose lines become Printed;
    //   the daemon's environment, then `environment`, then WINDLASS_CHANNEL, WINDLASS_WORKER,
    //   TMPDIR (private, removed after the exit) and CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES
    //   (the device's UUID; empty for "cpu").
    // Answered by Hello, or by Failed with request 0 and Exited (also when the program cannot be
    // executed), or by LaunchFailed. A generation that was used before is asserted against.
    void launch(const LaunchOrder& order);

    // Once, after Hello. Answered by Loaded, or by Failed with request 0.
    void load(std::uint64_t generation, const wire::LoadOrder& order);

    // After Loaded; never blocks, however full the channel is. The worker's backlog is bounded by
    // what the engine's window can have in flight: (concurrency + 17) x (body_max + 64 KiB). A run
    // above that is answered by Failed with `unavailable`, reason "channel_full".
    void run(std::uint64_t generation, std::uint64_t request, const wire::RunOrder& order,
             io::SharedBytes body);

    // Answered by Recalled, unless the request is over before.
    void recall(std::uint64_t generation, std::uint64_t request);
    void cancel(std::uint64_t generation, std::uint64_t request);

    // After Loaded, for a worker whose Hello said that it can, and while it has no run. Answered by
    // Offloaded or OffloadFailed, by Restored or RestoreFailed; one of the two orders at a time.
    void offload(std::uint64_t generation);
    void restore(std::uint64_t generation);

    // Asks it to finish what has begun and to exit with status 0.
    void stop(std::uint64_t generation);

    // Looks at what the process is doing, for 2 s at most; once for each generation. Answered by
    // EvidenceTaken. terminate() and kill() come after it.
    void take_evidence(std::uint64_t generation);
    // What was found until now must do: terminate() and kill() have to come at once.
    void give_up_evidence(std::uint64_t generation);

    // Whether the signal is sent. Else it comes with EvidenceTaken, or the process is gone.
    bool terminate(std::uint64_t generation);  // SIGTERM to the process group
    // SIGKILL to its cgroup and process group; without a cgroup, to all with its tag too.
    bool kill(std::uint64_t generation);

    // Of the process that was started; none once it is gone.
    std::optional<int> find_pid(std::uint64_t generation) const;

    // When its channel thread last gave a sign of life: evidence, never a verdict. None before the
    // first heartbeat.
    std::optional<base::Instant> find_last_heartbeat(std::uint64_t generation) const;

    // Workers that have not ended: 0 means that nothing is left to wait for.
    std::size_t size() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace windlass::worker
