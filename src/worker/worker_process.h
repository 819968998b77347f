// One worker: its process, the channel to it, what it prints and its private TMPDIR. Carries out
// what the supervisor is told and reports what happens. Thread: main.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "io/lines.h"
#include "io/process.h"
#include "io/stream.h"
#include "io/timer.h"
#include "worker/conversation.h"
#include "worker/evidence.h"
#include "worker/host_memory.h"
#include "worker/leftover_hunt.h"
#include "worker/supervisor.h"
#include "worker/temporary_directory.h"

namespace windlass::worker {

struct WorkerHandlers {
    std::function<void(Event)> on_event;  // all but the last one
    // The last one; the WorkerProcess may be destroyed within it.
    std::function<void(Exited)> on_exited;
};

// The handlers come from the loop. The rules of Supervisor hold.
class WorkerProcess {
  public:
    // What goes wrong before there is a process comes back; errors as in io::system_error().
    static base::Result<std::unique_ptr<WorkerProcess>> launch(io::Loop& loop,
                                                               const SupervisorOptions& options,
                                                               const LaunchOrder& order,
                                                               WorkerHandlers handlers);
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;
    ~WorkerProcess() = default;  // kills the group if it was not reaped

    void load(const wire::LoadOrder& order);
    // An error: the worker has not seen and will not see the request.
    base::Result<void> run(std::uint64_t request, const wire::RunOrder& order,
                           io::SharedBytes body);
    void recall(std::uint64_t request) { send(Conversation::recall(request)); }
    void cancel(std::uint64_t request) { send(Conversation::cancel(request)); }
    void offload();
    void restore();
    void stop() { send(Conversation::stop()); }
    void take_evidence();
    void give_up_evidence();
    // As Supervisor::terminate and kill, after the evidence if that is being taken.
    bool end_by(int signal);
    void kill();  // SIGKILL at once to all that is its own, as Supervisor::kill

    pid_t pid() const { return process_->pid(); }
    std::optional<base::Instant> last_heartbeat() const { return last_heartbeat_; }
    TemporaryDirectory take_temporary_directory() { return std::move(temporary_dir_); }

  private:
    // Our ends of what the process inherits.
    struct Ends {
        io::FileDescriptor channel;
        io::FileDescriptor standard_output;
        io::FileDescriptor standard_error;
    };

    WorkerProcess(io::Loop& loop, const LaunchOrder& order, TemporaryDirectory temporary_dir,
                  Ends ends, WorkerHandlers handlers);
    void remove_cgroup() const;
    io::StreamHandlers printing_to(io::LineSplitter& splitter);
    io::LineSplitter::Sink printed_as(Output output);
    void send(std::string frame);
    void on_channel_data(std::span<const char> bytes);
    void on_channel_closed(const std::optional<base::Error>& error);
    void lose_channel(std::string why);
    void on_evidence(Evidence evidence);
    void guard_memory(bool is_limited);
    void on_too_much_memory(const HostMemoryUse& use);
    void note_kernel_kill();
    void tell_exceeded(HostMemoryExceeded exceeded);
    void on_dead();
    void on_hunt_over(HuntOutcome outcome);
    std::unique_ptr<LeftoverHunt> make_hunt(std::function<void(HuntOutcome)> on_over);

    io::Loop& loop_;
    std::uint64_t generation_;
    std::string model_;
    WorkerHandlers handlers_;
    TemporaryDirectory temporary_dir_;
    Conversation conversation_;
    io::LineSplitter output_lines_;
    io::LineSplitter error_lines_;
    io::Stream channel_;
    io::Stream standard_output_;
    io::Stream standard_error_;
    std::unique_ptr<io::Process> process_;  // after the streams: dies first
    std::size_t runs_backlog_max_ = 0;
    std::optional<base::Instant> last_heartbeat_;
    std::string lost_why_;  // what channel_lost_ will say
    io::Timer channel_lost_;
    std::string daemon_id_;
    std::string searcher_;
    std::string cgroup_;                      // empty: it has none
    std::optional<base::Bytes> host_memory_;  // its limit
    std::unique_ptr<HostMemoryGuard> guard_;  // null: none is needed
    std::optional<base::Error> cause_;        // of its end, where more is known than the signal
    std::optional<Exited> exited_;  // how the process ended, while its leftovers are hunted
    std::unique_ptr<LeftoverHunt> hunt_;
    std::unique_ptr<EvidenceTaker> evidence_;  // while it is being taken
    bool was_looked_at_ = false;
    int owed_signal_ = 0;  // what it is to be ended by when that is over; 0: nothing
};

}  // namespace windlass::worker
