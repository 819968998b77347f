// Events in, commands out.
#include "daemon/switchboard.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "daemon/translate.h"
#include "io/descriptor_limit.h"
#include "worker/environment.h"

namespace windlass::daemon {

namespace log = base::log;
using namespace std::chrono_literals;

namespace {

// So long nobody of ours is blamed for silence when we did not listen ourselves.
constexpr core::Duration kDeaf = 100ms;
// The machine is overloaded, or was stopped, and then all of it, nobody knows since when.
constexpr core::Duration kLoopLate = 2s;
constexpr core::Duration kHeartbeat = 1s;

std::vector<core::ModelSpec> to_specs(const std::vector<ModelConfiguration>& models) {
    std::vector<core::ModelSpec> specs;
    specs.reserve(models.size());
    for (const ModelConfiguration& model : models) specs.push_back(to_spec(model));
    return specs;
}

std::vector<std::string> names_of(const std::vector<ModelConfiguration>& models) {
    std::vector<std::string> names;
    names.reserve(models.size());
    for (const ModelConfiguration& model : models) names.push_back(model.name);
    return names;
}

core::Duration shortest_max_wait(const std::vector<ModelConfiguration>& models) {
    core::Duration shortest = core::Duration::max();
    for (const ModelConfiguration& model : models) shortest = std::min(shortest, model.max_wait);
    return shortest;
}

}  // namespace

Switchboard::Switchboard(io::Loop& loop, const Configuration& configuration,
                         SwitchboardOptions options, worker::KeeperLink& keeper)
    : loop_(loop),
      models_(configuration.models),
      body_limit_(configuration.daemon.body_limit),
      options_(std::move(options)),
      started_(loop.now()),
      shortest_max_wait_(shortest_max_wait(models_)),
      engine_(to_specs(models_), to_settings(configuration.devices)),
      journal_(names_of(models_)),
      incidents_([this](const std::string& model, std::string_view cause) {
          journal_.count_incident(cause, model);
      }),
      supervisor_(loop,
                  {.daemon_id = options_.daemon_id,
                   .runtime_dir = options_.runtime_dir,
                   .cgroup = options_.cgroup,
                   .keeper = &keeper},
                  [this](worker::Event event) { on_worker(std::move(event)); }),
      forwards_(loop, [this](const core::Event& event) { handle(event); }),
      bridge_({.handle = [this](const core::Event& event) { handle(event); },
               .workers =
                   [this] {
                       std::map<int, core::Generation> by_pid;
                       for (const auto& [generation, pid] : pids_) by_pid.emplace(pid, generation);
                       return by_pid;
                   }}),
      preloads_(loop, [this](const std::string& model, http::ModelReply reply) {
          order({.action = http::ModelAction::load, .model = model, .may_evict = false},
                std::move(reply));
      }) {}

// --- the turn

base::Result<void> Switchboard::record(const RecorderOptions& options,
                                       const Configuration& configuration) {
    recording::Origin origin{.models = to_specs(configuration.models),
                             .devices = to_settings(configuration.devices)};
    recorder_ = WL_TRY(Recorder::open(options, std::move(origin)));
    return {};
}

// The one place where the engine hears of anything. That of the turn's end would be too early for
// what is told after events of the same turn: the engine's time never goes back.
void Switchboard::handle(const core::Event& event) {
    const core::Instant now = loop_.now();
    if (recorder_) return recorder_->handle(engine_, event, now, commands_);
    engine_.handle(event, now, commands_);
}

std::optional<core::Instant> Switchboard::end_turn(core::Instant now) {
    if (expected_wake_ && now >= *expected_wake_) journal_.observe_loop_lag(now - *expected_wake_);
    const core::Duration deaf = loop_.deaf_for();
    if (deaf > kLoopLate) log::warning("loop.late", {{"by", deaf}});
    if (deaf > kDeaf) handle(core::LoopDelayed{deaf > kLoopLate ? loop_.turn_took() : deaf});
    bridge_.end_turn();
    handle(core::TimePassed{});
    if (recorder_) recorder_->end_turn();  // whatever carrying it out may lead to
    // Carrying out may bring about further ones.
    while (!commands_.empty()) {
        std::swap(commands_, carried_out_);
        for (core::Command& command : carried_out_) carry_out(command);
        carried_out_.clear();
    }
    for (const core::Generation generation : std::exchange(reaped_, {})) {
        pids_.erase(generation);
        models_of_.erase(generation);
        forwards_.close(generation);
        since_.erase(generation);
        incidents_.forget(generation);
        measures_.remove(generation.value);
        tally_.remove(generation);
        devices_of_.erase(generation);
    }
    if (std::exchange(claims_may_differ_, false)) count_claims();
    if (recorder_) recorder_->end_turn();
    answers_.clear();  // what is left was late, or asked for by nobody
    expected_wake_ = engine_.next_deadline();
    return expected_wake_;
}

void Switchboard::reload(const Reload& changes) {
    for (const std::string& name : changes.removed) {
        if (const auto id = engine_.find_model(name)) handle(core::ModelRemoved{*id});
    }
    for (const Reload::Model& change : changes.changed) {
        const auto known = std::ranges::find(models_, change.model.name, &ModelConfiguration::name);
        const bool is_new = known == models_.end();
        if (is_new) {
            models_.push_back(change.model);
            journal_.add_model(change.model.name);
        } else {
            *known = change.model;
        }
        handle(core::ModelConfigured{to_spec(change.model), change.needs_new_process});
        if (const auto id = engine_.find_model(change.model.name)) jobs_->announce(*id);
        if (is_new && needs_ != nullptr) {
            needs_->recall(std::string{model_of(change.model)}, change.model.variant);
        }
        if (is_new && change.model.preload) {  // the log tells how it went
            order({.action = http::ModelAction::load,
                   .model = change.model.name,
                   .may_evict = false,
                   .is_awaited = false},
                  [](const std::string&, const auto&) {});
        }
    }
    shortest_max_wait_ = shortest_max_wait(models_);
}

void Switchboard::preload() {
    std::vector<std::string> wanted;
    for (const ModelConfiguration& model : models_) {
        if (model.preload) wanted.push_back(model.name);
    }
    preloads_.start(wanted);
}

void Switchboard::recall(const store::NeedKey& key, const std::vector<base::Bytes>& peaks) {
    const auto id = engine_.find_model(variant_name(key.model, key.variant));
    if (!id) return;  // it is gone
    handle(core::NeedRecalled{*id, key.make, peaks});
}

void Switchboard::shut_down(core::Duration grace) {
    handle(core::ShutdownAsked{grace});
    jobs_->shut_down();
}

void Switchboard::shut_down_now() {
    handle(core::ShutdownForced{});
    jobs_->shut_down();
}

// --- workers

void Switchboard::on_worker(worker::Event event) {
    tally_.note(event);
    if (auto* answered = std::get_if<worker::Answered>(&event)) {
        // The first answer is the one that counts; a second is dropped by the engine.
        answers_.try_emplace(
            {core::Generation{answered->generation}, core::RequestId{answered->request}},
            Answer{.content_type = std::move(answered->content_type),
                   .body = std::move(answered->body),
                   .memory = measures_.end(*answered, loop_.now())});
    } else {
        measures_.note(event, loop_.now());
    }
    if (const auto* progressed = std::get_if<worker::Progressed>(&event))
        jobs_->note_progress(*progressed);
    if (auto* adjusted = std::get_if<worker::Adjusted>(&event))
        return jobs_->note_settings(std::move(*adjusted));
    const auto generation_of = [](const auto& e) { return core::Generation{e.generation}; };
    Journal::write(event, pid_of(std::visit(generation_of, event)));
    incidents_.note(event, loop_.now());
    if (const auto* exceeded = std::get_if<worker::HostMemoryExceeded>(&event))
        return note_exceeded(*exceeded);
    if (const auto* loaded = std::get_if<worker::Loaded>(&event)) open_forwards(*loaded);
    if (const auto* taken = std::get_if<worker::EvidenceTaken>(&event)) {
        const core::Generation generation{taken->generation};
        incidents_.note_activity(generation, activity_of(generation));
        if (taken->signal != 0) tell_signal(generation, taken->signal);
    }
    // No exit will be reported of what never was a process.
    if (const auto* failed = std::get_if<worker::LaunchFailed>(&event)) {
        reaped_.push_back(core::Generation{failed->generation});
    }
    if (const auto core_event = to_event(event)) handle(*core_event);
    if (const auto* started = std::get_if<worker::Started>(&event)) {
        drop_body(core::RequestId{started->request});
    }
}

// The engine hears of it with the end of the process.
void Switchboard::note_exceeded(const worker::HostMemoryExceeded& exceeded) {
    const core::Generation generation{exceeded.generation};
    const core::ModelId model = models_of_.at(generation);
    incidents_.note_exceeded(generation, subject_of(generation, model), exceeded.error,
                             loop_.now());
    if (exceeded.is_killed) tell_signal(generation, SIGKILL);
}

void Switchboard::open_forwards(const worker::Loaded& loaded) {
    if (!loaded.http_port && !loaded.http_socket) return;
    const core::Generation generation{loaded.generation};
    const auto model = models_of_.find(generation);
    if (model == models_of_.end()) return;
    forwards_.open(
        generation,
        {.port = loaded.http_port.value_or(0), .socket = loaded.http_socket.value_or("")},
        configuration_of(model->second).concurrency);
}

// What has begun is not sent again, unless the model is idempotent: its input is not needed any
// more.
void Switchboard::drop_body(core::RequestId request) {
    const auto call = calls_.find(request);
    if (call == calls_.end() || call->second.is_idempotent) return;
    if (!engine_.wait_reason(request)) call->second.body.reset();
}

// --- commands

void Switchboard::carry_out(core::Command& command) {
    std::visit([this](auto& c) { on(c); }, command);
}

void Switchboard::on(const core::Launch& command) {
    const ModelConfiguration& model = configuration_of(command.model);
    worker::LaunchOrder order =
        to_launch_order(model, command.generation, options_.python_package, options_.environment);
    if (options_.emulated) options_.emulated->add_to(order.environment, options_.environment);
    order.is_standby = !command.device;
    if (order.is_standby) {
        // Its import may count the devices; if it uses one, that is found out.
        order.device = bridge_.visible_to(to_spec(model).devices);
    } else {
        order.device = bridge_.uuid_of(command.device);
    }
    devices_of_[command.generation] = order.is_standby ? "" : order.device;
    supervisor_.launch(order);
    if (const auto pid = supervisor_.find_pid(command.generation.value)) {
        pids_[command.generation] = *pid;
        models_of_[command.generation] = command.model;
        if (!order.is_standby) count_worker(command.generation, command.model, *pid, order.device);
        io::set_descriptor_limit(*pid, options_.descriptors.former);
    }
}

void Switchboard::on(const core::Assign& command) {
    const std::string& uuid = bridge_.uuid_of(command.device);
    devices_of_[command.generation] = uuid;
    const auto pid = pids_.find(command.generation);
    if (pid != pids_.end()) count_worker(command.generation, command.model, pid->second, uuid);
}

void Switchboard::on(const core::Load& command) {
    const ModelConfiguration& model = configuration_of(command.model);
    const std::string uuid = bridge_.uuid_of(command.device);
    supervisor_.load(command.generation.value, {.model = model.name,
                                                .device = std::string{worker::name_inside(uuid)},
                                                .uuid = uuid == "cpu" ? "" : uuid,
                                                .concurrency = model.concurrency,
                                                .body_max = body_limit_,
                                                .heartbeat = kHeartbeat});
}

void Switchboard::on(const core::Dispatch& command) {
    if (forwards_.has(command.request)) {
        const auto model = models_of_.find(command.generation);
        // Before the engine's own limit, if that has one: a program that serves many is not ended
        // for one request that takes long, but that alone is.
        const core::Duration run_limit = model == models_of_.end()
                                             ? core::Duration::max()
                                             : configuration_of(model->second).run_timeout;
        return forwards_.dispatch(command.generation, {.request = command.request.value,
                                                       .request_id = to_text(command.request),
                                                       .port = 0,
                                                       .socket = {},
                                                       .copy = command.generation.value,
                                                       .worker_pid = pids_[command.generation],
                                                       .device = devices_of_[command.generation],
                                                       .limit = run_limit});
    }
    if (const JobInput* const job = jobs_->find(command.request)) {
        std::optional<std::string> variant;
        if (!job->variant.empty()) variant = job->variant;
        return supervisor_.run(command.generation.value, command.request.value,
                               {.content_type = job->content_type,
                                .variant = std::move(variant),
                                .timeout = command.timeout,
                                .attempt = wire::Attempt{.number = job->number,
                                                         .free = room_of(command.generation),
                                                         .error = job->last_error}},
                               job->body);
    }
    const auto call = calls_.find(command.request);
    // A Dispatch comes before its Respond, and before a `started` that lets go of the body.
    WL_ASSERT(call != calls_.end() && call->second.body);
    supervisor_.run(command.generation.value, command.request.value,
                    {.content_type = call->second.content_type,
                     .variant = call->second.variant,
                     .timeout = command.timeout},
                    call->second.body);
}

void Switchboard::on(const core::Recall& command) {
    if (forwards_.has(command.request)) return forwards_.recall(command.request);
    supervisor_.recall(command.generation.value, command.request.value);
}
void Switchboard::on(const core::Cancel& command) {
    if (forwards_.has(command.request)) return forwards_.cancel(command.request);
    supervisor_.cancel(command.generation.value, command.request.value);
}
void Switchboard::on(const core::Offload& command) {
    supervisor_.offload(command.generation.value);
}
void Switchboard::on(const core::Restore& command) {
    supervisor_.restore(command.generation.value);
}
void Switchboard::on(const core::Stop& command) { supervisor_.stop(command.generation.value); }
void Switchboard::on(const core::Terminate& command) {
    look_at(command.generation);
    if (supervisor_.terminate(command.generation.value)) tell_signal(command.generation, SIGTERM);
}
void Switchboard::on(const core::Kill& command) {
    look_at(command.generation);
    if (supervisor_.kill(command.generation.value)) tell_signal(command.generation, SIGKILL);
}

// Told when it is sent: one that is due waits until the worker was looked at.
void Switchboard::tell_signal(core::Generation generation, int signal) {
    using enum core::EventCode;
    const core::Report sent{.code = signal == SIGKILL ? worker_killed : worker_terminated,
                            .model = models_of_.at(generation),
                            .generation = generation,
                            .request = {},
                            .error = {},
                            .device = {},
                            .bytes = {}};
    journal_.write(sent, {.model = name_of(sent.model), .pid = pids_.at(generation), .device = {}});
    incidents_.note_signal(generation, sent.code, loop_.now());
}

// Before it is ended by force: what it does then is what people want to know. A shutdown has no
// time for that, and no need.
void Switchboard::look_at(core::Generation generation) {
    if (engine_.is_shutting_down()) return supervisor_.give_up_evidence(generation.value);
    supervisor_.take_evidence(generation.value);
}

void Switchboard::on(const core::SampleDevice& command) { bridge_.ask(command); }

void Switchboard::on(const core::RememberPeak& command) {
    const std::string model = name_of(command.model);
    journal_.write(command, model, bridge_.uuid_of(command.device));
    if (needs_ == nullptr) return;
    needs_->remember({.key = need_key(command.model, command.device), .bytes = command.bytes});
}

void Switchboard::on(const core::ForgetPeaks& command) {
    const std::string model = name_of(command.model);
    journal_.write(command, model, bridge_.uuid_of(command.device));
    if (needs_ != nullptr) needs_->forget(need_key(command.model, command.device));
}

store::NeedKey Switchboard::need_key(core::ModelId id, core::DeviceId device) const {
    const ModelConfiguration& model = configuration_of(id);
    return {std::string{model_of(model)}, model.variant, bridge_.make_of(device)};
}

std::optional<int> Switchboard::pid_of(core::Generation generation) const {
    const auto found = pids_.find(generation);
    return found == pids_.end() ? std::nullopt : std::optional{found->second};
}

void Switchboard::on(core::Respond& command) {
    if (command.error) {
        Journal::write_failure(command, name_of(command.model), pid_of(command.generation));
    }
    const std::string request_id = to_text(command.request);
    if (auto admin = admins_.extract(command.request)) {
        if (command.error) return admin.mapped().reply(request_id, std::move(*command.error));
        return admin.mapped().reply(request_id, status(command.model));
    }
    if (forwards_.has(command.request)) return forwards_.respond(command.request, command.error);
    auto call = calls_.extract(command.request);
    if (command.error) return call.mapped().reply(request_id, std::move(*command.error));
    Answer& answer = answers_.at({command.generation, command.request});
    call.mapped().reply(request_id, http::CallAnswer{.content_type = std::move(answer.content_type),
                                                     .body = std::move(answer.body),
                                                     .copy = command.generation.value,
                                                     .worker_pid = pids_[command.generation],
                                                     .device = devices_of_[command.generation],
                                                     .queue = command.timings.queue,
                                                     .load = command.timings.load,
                                                     .run = command.timings.run,
                                                     .memory = answer.memory});
}

// In place of what was recycled, where there is room. Whoever asks meanwhile has it loaded anyway.
void Switchboard::load_again(core::ModelId id) {
    core::RequestId& reload = reloads_[id];
    if (admins_.contains(reload)) return;
    reload = core::RequestId{++last_request_};
    admins_.emplace(reload, Admin{id, [](const std::string&, const auto&) {}});
    handle(core::LoadAsked{reload, id, configuration_of(id).call_timeout, false});
}

// Since its weights began to move.
void Switchboard::note_swap(const core::Report& moved) {
    using enum core::EventCode;
    const auto since = since_.find(moved.generation);
    if (since == since_.end()) return;
    const core::Duration took = loop_.now() - since->second;
    const std::string model = name_of(moved.model);
    if (moved.code == model_ready) journal_.observe_swap(Swap::load, model, took);
    if (moved.code == model_offloaded) journal_.observe_swap(Swap::offload, model, took);
    if (moved.code == model_restored) journal_.observe_swap(Swap::restore, model, took);
}

void Switchboard::on(const core::Report& command) {
    using enum core::EventCode;
    const bool is_due = command.code == worker_terminated || command.code == worker_killed;
    if (!is_due) {
        journal_.write(command, {.model = name_of(command.model),
                                 .pid = pid_of(command.generation),
                                 .device = command.device ? bridge_.uuid_of(command.device) : ""});
    }
    incidents_.note(command, subject_of(command.generation, command.model), loop_.now());
    // While it still does what broke the limit: `cancel` and its grace come next.
    if (command.code == run_limit_reached) look_at(command.generation);
    if (command.code == model_recycled) load_again(command.model);
    if (command.code == worker_reaped) reaped_.push_back(command.generation);
    constexpr std::array kMemoryMoved = {model_ready, model_offloaded, model_restored,
                                         worker_reaped};
    if (std::ranges::find(kMemoryMoved, command.code) != kMemoryMoved.end()) {
        const std::string& uuid = devices_of_[command.generation];
        if (!uuid.empty()) bridge_.refresh(uuid);
    }
    note_swap(command);
    constexpr std::array kMoves = {
        model_standby,   model_loading,  model_ready,    model_offloading, model_offloaded,
        model_restoring, model_restored, model_draining, model_stopping,   worker_unkillable};
    if (std::ranges::find(kMoves, command.code) != kMoves.end()) {
        since_[command.generation] = loop_.now();
    }
}

}  // namespace windlass::daemon
