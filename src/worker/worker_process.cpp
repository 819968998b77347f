// Starting one worker, talking to it and seeing its end.
#include "worker/worker_process.h"

#include <fmt/core.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/assert.h"
#include "io/loop.h"
#include "worker/cgroup.h"
#include "worker/environment.h"
#include "worker/exec_shim.h"

namespace windlass::worker {
namespace {

// What the engine may have in flight beyond a replica's concurrency (16), and one to spare.
constexpr std::uint64_t kWindowMax = 17;
// Room for `recall`, `cancel` and `stop` when the runs' share of the backlog is used up: a hundred
// thousand frames, while each request brings two at most.
constexpr std::size_t kControlBacklog = 4 << 20;
// The end of a channel is nearly always the end of the process, seen some microseconds early.
// Python may close it while it still tears itself down, for which a quarter second is plenty.
constexpr base::Duration kExitPatience = std::chrono::milliseconds{250};
// A socket holds at most some hundred KiB and a pipe 1 MiB (fs.pipe-max-size).
constexpr std::size_t kDrainMax = 4 << 20;

struct Channels {
    io::SocketPair channel;
    io::Pipe standard_output;
    io::Pipe standard_error;
};

base::Result<Channels> make_channels() {
    // One after the other: GCC 12 forgets what is built already when WL_TRY leaves an initialiser.
    Channels channels;
    channels.channel = WL_TRY(io::make_socket_pair());
    channels.standard_output = WL_TRY(io::make_pipe());
    channels.standard_error = WL_TRY(io::make_pipe());
    return channels;
}

struct WorkerFolders {
    std::string temporary;
    std::string cgroup;  // empty: none could be made
};

io::SpawnOrder make_spawn_order(const SupervisorOptions& options, const LaunchOrder& order,
                                const WorkerFolders& folders, const Channels& channels) {
    return {
        .executable = options.executable,
        .argv = exec_shim_argv(::getpid(), folders.cgroup, order.argv),
        .environment = make_environment(own_environment(), {.model_table = order.environment,
                                                            .daemon_id = options.daemon_id,
                                                            .generation = order.generation,
                                                            .variant = order.variant,
                                                            .device = order.device,
                                                            .is_standby = order.is_standby,
                                                            .temporary_dir = folders.temporary}),
        .descriptors = {{.ours = channels.standard_output.write_end.number(), .theirs = 1},
                        {.ours = channels.standard_error.write_end.number(), .theirs = 2},
                        {.ours = channels.channel.theirs.number(), .theirs = kChannelDescriptor}}};
}

}  // namespace

base::Result<std::unique_ptr<WorkerProcess>> WorkerProcess::launch(io::Loop& loop,
                                                                   const SupervisorOptions& options,
                                                                   const LaunchOrder& order,
                                                                   WorkerHandlers handlers) {
    TemporaryDirectory temporary_dir = WL_TRY(
        TemporaryDirectory::make(options.runtime_dir, fmt::format("worker-{}", order.generation)));
    WorkerFolders folders{.temporary = temporary_dir.path(), .cgroup = {}};
    base::Result<Channels> channels = make_channels();
    if (!channels) {
        temporary_dir.remove_some(1);
        return channels.error();
    }
    bool has_limit = false;
    if (!options.cgroup.empty()) {
        folders.cgroup = worker_cgroup(options.cgroup, order.generation);
        // It may have been forbidden since the start, or run into a limit: then the tag has to do.
        if (!make_worker_cgroup(folders.cgroup)) folders.cgroup.clear();
        if (order.host_memory && !folders.cgroup.empty())
            has_limit = limit_cgroup_memory(folders.cgroup, *order.host_memory);
    }
    const io::SpawnOrder spawn = make_spawn_order(options, order, folders, *channels);
    std::unique_ptr<WorkerProcess> worker{
        new WorkerProcess{loop, order, std::move(temporary_dir),
                          Ends{.channel = std::move(channels->channel.ours),
                               .standard_output = std::move(channels->standard_output.read_end),
                               .standard_error = std::move(channels->standard_error.read_end)},
                          std::move(handlers)}};
    worker->daemon_id_ = options.daemon_id;
    worker->searcher_ = options.searcher;
    worker->cgroup_ = folders.cgroup;
    WorkerProcess& started = *worker;
    base::Result<std::unique_ptr<io::Process>> process =
        io::Process::spawn(loop, spawn, [&started] { started.on_dead(); });
    if (!process) {
        worker->temporary_dir_.remove_some(1);
        worker->remove_cgroup();
        return process.error();
    }
    worker->process_ = std::move(*process);
    worker->host_memory_ = order.host_memory;
    if (order.host_memory) worker->guard_memory(has_limit);
    return worker;
}

WorkerProcess::WorkerProcess(io::Loop& loop, const LaunchOrder& order,
                             TemporaryDirectory temporary_dir, Ends ends, WorkerHandlers handlers)
    : loop_(loop),
      generation_(order.generation),
      model_(order.model),
      handlers_(std::move(handlers)),
      temporary_dir_(std::move(temporary_dir)),
      conversation_(order.generation, order.model, handlers_.on_event),
      output_lines_(printed_as(Output::standard_output)),
      error_lines_(printed_as(Output::standard_error)),
      channel_(loop, std::move(ends.channel),
               {.on_data = [this](std::span<const char> bytes) { on_channel_data(bytes); },
                .on_closed =
                    [this](const std::optional<base::Error>& error) { on_channel_closed(error); }}),
      standard_output_(loop, std::move(ends.standard_output), printing_to(output_lines_)),
      standard_error_(loop, std::move(ends.standard_error), printing_to(error_lines_)),
      channel_lost_(loop, [this] {
          handlers_.on_event(ChannelLost{.generation = generation_,
                                         .why = base::fail(base::Errc::worker_lost, lost_why_)});
      }) {}

io::StreamHandlers WorkerProcess::printing_to(io::LineSplitter& splitter) {
    return {.on_data = [&splitter](std::span<const char> bytes) { splitter.feed(bytes); },
            .on_closed = [&splitter](const std::optional<base::Error>&) { splitter.finish(); }};
}

io::LineSplitter::Sink WorkerProcess::printed_as(Output output) {
    return [this, output](std::string line) {
        handlers_.on_event(Printed{.generation = generation_,
                                   .model = model_,
                                   .output = output,
                                   .level = base::log::Level::info,
                                   .line = std::move(line)});
    };
}

void WorkerProcess::load(const wire::LoadOrder& order) {
    const std::uint64_t largest_run =
        order.body_max.count() + wire::kMetaSizeMax + wire::kHeaderSize;
    runs_backlog_max_ = (order.concurrency + kWindowMax) * largest_run;
    channel_.set_backlog_max(runs_backlog_max_ + kControlBacklog);
    send(conversation_.load(order));
}

base::Result<void> WorkerProcess::run(std::uint64_t request, const wire::RunOrder& order,
                                      io::SharedBytes body) {
    if (!channel_.is_open()) return {};  // dropped: the channel's or the process's end says so
    if (!wire::is_header_text(order.content_type) ||
        !wire::is_header_text(order.variant.value_or("-"))) {
        return base::fail(base::Errc::invalid_input,
                          "the content type or the variant of the request is empty, longer than 256"
                          " characters or not printable ASCII; correct it");
    }
    const std::size_t largest_head = wire::kHeaderSize + wire::kMetaSizeMax;
    if (channel_.backlog() + largest_head + body->size() > runs_backlog_max_) {
        base::Error full = base::fail(
            base::Errc::unavailable,
            fmt::format("worker {} of model {} does not read its channel: {} bytes wait for it;"
                        " try again later",
                        pid(), model_, channel_.backlog()));
        full.reason = "channel_full";
        return full;
    }
    std::string head = conversation_.run(request, order, body->size());
    return channel_.write(std::move(head), std::move(body));
}

// On a lost channel, dropped: there the last order may never have been answered.
void WorkerProcess::offload() {
    if (channel_.is_open()) send(conversation_.offload());
}

void WorkerProcess::restore() {
    if (channel_.is_open()) send(conversation_.restore());
}

void WorkerProcess::send(std::string frame) {
    const base::Result<void> queued = channel_.write(std::move(frame));
    if (queued) return;
    channel_.close();
    lost_why_ = fmt::format("worker {} of model {} does not read its channel: {}", pid(), model_,
                            queued.error().message);
    channel_lost_.start(base::Duration::zero());  // never from within an order
}

void WorkerProcess::on_channel_data(std::span<const char> bytes) {
    const std::uint64_t heartbeats_before = conversation_.heartbeat_count();
    const base::Result<void> understood = conversation_.receive(bytes);
    if (conversation_.heartbeat_count() != heartbeats_before) last_heartbeat_ = loop_.now();
    if (!understood) {
        lose_channel(fmt::format("broke the protocol: {}", understood.error().message));
    }
}

void WorkerProcess::on_channel_closed(const std::optional<base::Error>& error) {
    if (error) return lose_channel(error->message);
    lost_why_ = fmt::format("worker {} of model {} closed its channel{} and lives on", pid(),
                            model_, conversation_.is_between_frames() ? "" : " within a frame");
    channel_lost_.start(kExitPatience);
}

// From the loop only.
void WorkerProcess::lose_channel(std::string why) {
    channel_.close();
    handlers_.on_event(ChannelLost{
        .generation = generation_,
        .why = base::fail(base::Errc::worker_lost,
                          fmt::format("worker {} of model {} {}", pid(), model_, std::move(why)))});
}

void WorkerProcess::take_evidence() {
    if (was_looked_at_ || exited_) return;
    was_looked_at_ = true;
    evidence_ = std::make_unique<EvidenceTaker>(
        loop_,
        EvidenceOrder{.executable = searcher_,
                      .pid = pid(),
                      .python_file = python_stacks_file(temporary_dir_.path())},
        [this](Evidence evidence) { on_evidence(std::move(evidence)); });
    evidence_->start();
}

void WorkerProcess::give_up_evidence() {
    if (evidence_ != nullptr) evidence_->give_up();
}

void WorkerProcess::on_evidence(Evidence evidence) {
    evidence_.reset();
    // A tracer that was killed may have left it stopped; then it could not act on what comes next.
    if (!evidence.is_complete && !exited_) process_->signal_group(SIGCONT);
    const int owed = std::exchange(owed_signal_, 0);
    handlers_.on_event(
        EvidenceTaken{.generation = generation_, .evidence = std::move(evidence), .signal = owed});
    if (owed != 0) end_by(owed);
}

// `is_limited`: its cgroup is.
void WorkerProcess::guard_memory(bool is_limited) {
    WL_ASSERT(host_memory_.has_value());
    guard_ = std::make_unique<HostMemoryGuard>(
        loop_,
        HostMemoryOrder{.executable = searcher_,
                        .pid = pid(),
                        .cgroup = cgroup_,
                        .limit = *host_memory_,
                        .is_limited_there = is_limited},
        [this](const HostMemoryUse& use) { on_too_much_memory(use); });
    guard_->start();
}

// At once, as the kernel does: while somebody looks at it, it takes what others need.
void WorkerProcess::on_too_much_memory(const HostMemoryUse& use) {
    if (exited_ || cause_) return;
    kill();
    const base::Bytes limit = host_memory_.value_or(base::Bytes{});
    tell_exceeded(
        {.error = base::fail(
             base::Errc::host_out_of_memory,
             fmt::format("the worker {} of model {} held {} of the machine's memory, more than its "
                         "host_memory of {}, and was killed: {}; raise host_memory, or let it hold "
                         "less",
                         pid(), model_, base::to_text(use.bytes), base::to_text(limit),
                         to_text(use.processes))),
         .bytes = use.bytes,
         .is_killed = true});
}

// Before its cgroup goes.
void WorkerProcess::note_kernel_kill() {
    if (cgroup_.empty() || cause_) return;
    const auto memory = read_cgroup_memory(cgroup_);
    if (!memory || memory->kills == 0) return;
    const bool is_its_own = host_memory_ && memory->limit_hits > 0;
    const std::string why =
        is_its_own
            ? fmt::format("it reached its host_memory of {}; raise that, or let it hold less",
                          base::to_text(*host_memory_))
            : std::string{"the machine, or a cgroup around the daemon, had no memory left"};
    tell_exceeded({.error = base::fail(base::Errc::host_out_of_memory,
                                       fmt::format("the kernel killed the worker {} of model {}: "
                                                   "{}",
                                                   pid(), model_, why)),
                   .bytes = memory->peak});
}

void WorkerProcess::tell_exceeded(HostMemoryExceeded exceeded) {
    cause_ = exceeded.error;
    exceeded.generation = generation_;
    exceeded.limit = host_memory_;
    handlers_.on_event(std::move(exceeded));
}

bool WorkerProcess::end_by(int signal) {
    if (evidence_ != nullptr) {
        if (owed_signal_ != SIGKILL) owed_signal_ = signal;
        return false;
    }
    if (signal == SIGKILL) {
        kill();
    } else {
        process_->signal_group(signal);
    }
    return true;
}

void WorkerProcess::on_dead() {
    // First, while the dead leader still keeps the group's number from being given away.
    process_->signal_group(SIGKILL);
    owed_signal_ = 0;
    if (evidence_ != nullptr) on_evidence(evidence_->take_partial());
    channel_lost_.stop();
    channel_.drain(kDrainMax);
    channel_lost_.stop();  // the drain may have come to the channel's end
    channel_.close();
    standard_output_.drain(kDrainMax);
    standard_error_.drain(kDrainMax);
    // A descendant may hold the pipes open; what it prints from now on is not the worker's.
    output_lines_.finish();
    error_lines_.finish();
    standard_output_.close();
    standard_error_.close();
    // The leader, dead and not reaped, still shows where it was.
    if (!cgroup_.empty() && !is_in_cgroup(pid(), cgroup_)) {
        remove_cgroup();
        cgroup_.clear();
    }
    guard_.reset();
    note_kernel_kill();
    const io::ExitStatus status = process_->reap();
    exited_ = Exited{
        .generation = generation_, .pid = pid(), .code = status.code, .signal = status.signal};
    hunt_ = make_hunt([this](HuntOutcome outcome) { on_hunt_over(std::move(outcome)); });
    hunt_->start();
}

void WorkerProcess::on_hunt_over(HuntOutcome outcome) {
    remove_cgroup();
    // Out of the object first: it is destroyed meanwhile.
    const std::function<void(Exited)> on_exited = std::move(handlers_.on_exited);
    WL_ASSERT(exited_.has_value());  // set before the hunt began
    Exited exited = *exited_;
    exited.leftover_count = outcome.process_count;
    exited.is_everything_gone = outcome.is_everything_gone;
    exited.search_failure = std::move(outcome.failure);
    exited.cause = cause_;
    on_exited(exited);
}

void WorkerProcess::kill() {
    process_->signal_group(SIGKILL);
    if (exited_ || hunt_) return;
    // Even while the leader hangs in the kernel, its children go. At its end another hunt follows.
    if (!cgroup_.empty()) return kill_cgroup(cgroup_);
    hunt_ = make_hunt([](const HuntOutcome&) {});
    hunt_->start();
}

std::unique_ptr<LeftoverHunt> WorkerProcess::make_hunt(std::function<void(HuntOutcome)> on_over) {
    return std::make_unique<LeftoverHunt>(
        loop_,
        HuntOrder{.cgroup = cgroup_,
                  .search = {.executable = searcher_, .tag = tag_of(daemon_id_, generation_)}},
        std::move(on_over));
}

void WorkerProcess::remove_cgroup() const {
    // One that does not go yet is removed with the daemon's folder of them.
    if (!cgroup_.empty()) static_cast<void>(worker::remove_cgroup(cgroup_));
}

}  // namespace windlass::worker
