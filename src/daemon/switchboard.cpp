// Events in, commands out.
#include "daemon/switchboard.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/overloaded.h"
#include "base/version.h"
#include "daemon/translate.h"
#include "io/descriptor_limit.h"

namespace windlass::daemon {

namespace log = base::log;
using base::Errc;
using namespace std::chrono_literals;

namespace {

// How late a turn of the loop may come before nobody is blamed for the silence.
constexpr core::Duration kLoopLate = 2s;
constexpr core::Duration kHeartbeat = 1s;
constexpr std::size_t kWaitingShown = 100;
// What a body without a content type is taken for: RFC 9110 section 8.3.
constexpr const char* kUnknownContent = "application/octet-stream";

std::vector<core::ModelSpec> to_specs(const std::vector<ModelConfiguration>& models) {
    std::vector<core::ModelSpec> specs;
    specs.reserve(models.size());
    for (const ModelConfiguration& model : models) specs.push_back(to_spec(model));
    return specs;
}

std::vector<std::string> names_of(const std::vector<ModelConfiguration>& models) {
    std::vector<std::string> names;
    for (const ModelConfiguration& model : models) names.push_back(model.name);
    return names;
}

core::Duration shortest_max_wait(const std::vector<ModelConfiguration>& models) {
    core::Duration shortest = core::Duration::max();
    for (const ModelConfiguration& model : models) shortest = std::min(shortest, model.max_wait);
    return shortest;
}

base::Error too_long_wait(const ModelConfiguration& model, core::Duration waited) {
    base::Error error = base::fail(
        Errc::unavailable,
        fmt::format("a request has waited {} for the model {}, longer than its max_wait of {}, and "
                    "the model is neither being loaded nor paused; GET /api/models/{} says what it "
                    "waits for",
                    base::to_text(waited), model.name, base::to_text(model.max_wait), model.name));
    error.reason = "max_wait";
    return error;
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
      engine_(to_specs(models_)),
      metrics_(names_of(models_)),
      supervisor_(loop,
                  {.daemon_id = options_.daemon_id,
                   .runtime_dir = options_.runtime_dir,
                   .cgroup = options_.cgroup,
                   .keeper = &keeper},
                  [this](worker::Event event) { on_worker(std::move(event)); }) {}

// --- the turn

void Switchboard::handle(const core::Event& event) {
    engine_.handle(event, loop_.now(), commands_);
}

std::optional<core::Instant> Switchboard::end_turn(core::Instant now) {
    if (expected_wake_ && now >= *expected_wake_) metrics_.observe_loop_lag(now - *expected_wake_);
    if (expected_wake_ && now - *expected_wake_ > kLoopLate) {
        log::warning("loop.late", {{"by", now - *expected_wake_}});
        engine_.handle(core::LoopDelayed{now - *expected_wake_}, now, commands_);
    }
    engine_.handle(core::TimePassed{}, now, commands_);
    while (!commands_.empty()) {  // carrying out may answer a client, who at once asks again
        core::Commands batch = std::exchange(commands_, {});
        for (core::Command& command : batch) carry_out(command);
    }
    for (const core::Generation generation : std::exchange(reaped_, {})) pids_.erase(generation);
    answers_.clear();  // what is left was late, or asked for by nobody
    expected_wake_ = engine_.next_deadline();
    return expected_wake_;
}

bool Switchboard::is_worker(int pid) const {
    return std::ranges::any_of(pids_, [pid](const auto& entry) { return entry.second == pid; });
}

void Switchboard::reload(const Reload& changes) {
    for (const std::string& name : changes.removed) {
        if (const auto id = engine_.find_model(name)) handle(core::ModelRemoved{*id});
    }
    for (const Reload::Model& change : changes.changed) {
        const auto known = std::ranges::find(models_, change.model.name, &ModelConfiguration::name);
        if (known == models_.end()) {
            models_.push_back(change.model);
            metrics_.add_model(change.model.name);
        } else {
            *known = change.model;
        }
        handle(core::ModelConfigured{to_spec(change.model), change.needs_new_process});
    }
    shortest_max_wait_ = shortest_max_wait(models_);
}

void Switchboard::shut_down(core::Duration grace) { handle(core::ShutdownAsked{grace}); }
void Switchboard::shut_down_now() { handle(core::ShutdownForced{}); }

// --- clients

base::Result<core::ModelId> Switchboard::find_model(std::string_view name) const {
    if (const auto id = engine_.find_model(name)) return *id;
    std::string known;
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        const core::ModelId id{number};
        if (engine_.view(id).is_removed) continue;
        known += (known.empty() ? "" : ", ") + configuration_of(id).name;
    }
    return base::fail(Errc::not_found,
                      fmt::format("there is no model {}; the configuration {} has: {}", name,
                                  options_.configuration_path, known.empty() ? "none" : known));
}

std::uint64_t Switchboard::call(http::CallRequest request, http::CallReply reply) {
    const auto id = find_model(request.model);
    if (!id) {
        reply({}, id.error());
        return 0;
    }
    const ModelConfiguration& model = configuration_of(*id);
    const core::CallArrived arrived{
        .request = core::RequestId{++last_request_},
        .model = *id,
        .priority = static_cast<std::uint8_t>(request.priority.value_or(4)),
        .timeout = request.timeout.value_or(model.call_timeout),
        .wait = request.wait.value_or(model.wait_timeout)};
    if (request.content_type.empty()) request.content_type = kUnknownContent;
    calls_.emplace(arrived.request, Call{.model = *id,
                                         .arrived = loop_.now(),
                                         .content_type = std::move(request.content_type),
                                         .body = std::move(request.body),
                                         .is_idempotent = model.idempotent,
                                         .variant = std::move(request.variant),
                                         .reply = std::move(reply)});
    handle(arrived);
    return arrived.request.value;
}

std::uint64_t Switchboard::order(http::ModelOrder order, http::ModelReply reply) {
    const auto id = find_model(order.model);
    if (!id) {
        reply({}, id.error());
        return 0;
    }
    const core::RequestId request{++last_request_};
    const base::Duration limit = order.timeout.value_or(configuration_of(*id).call_timeout);
    const auto done = [&]() -> std::uint64_t {  // as soon as it is asked
        reply(to_text(request), status(*id));
        return 0;
    };
    switch (order.action) {
        case http::ModelAction::load: handle(core::LoadAsked{request, *id, limit}); break;
        case http::ModelAction::unload: handle(core::UnloadAsked{request, *id, limit}); break;
        case http::ModelAction::restart: handle(core::RestartAsked{request, *id, limit}); break;
        case http::ModelAction::pause: handle(core::PauseAsked{*id}); return done();
        case http::ModelAction::resume: handle(core::ResumeAsked{*id}); return done();
    }
    admins_.emplace(request, Admin{*id, std::move(reply)});  // answered with the turn's commands
    return request.value;
}

void Switchboard::client_gone(std::uint64_t request) { handle(core::ClientGone{{request}}); }

http::ModelStatus Switchboard::status(core::ModelId id) const {
    const core::ModelView view = engine_.view(id);
    const auto pid = pids_.find(view.generation);
    http::ModelStatus status =
        to_status(configuration_of(id).name, view,
                  pid == pids_.end() ? std::nullopt : std::optional{pid->second}, loop_.now());
    for (const core::WaitingView& waiting : engine_.waiting(id, kWaitingShown)) {
        status.waiting_requests.push_back(to_waiting(waiting, loop_.now()));
    }
    return status;
}

base::Result<http::ModelStatus> Switchboard::model(std::string_view name) const {
    return status(WL_TRY(find_model(name)));
}

std::vector<http::ModelStatus> Switchboard::models() const {
    std::vector<http::ModelStatus> models;
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        const core::ModelId id{number};
        const core::ModelView view = engine_.view(id);
        // A removed one is shown as long as its process is there.
        if (!view.is_removed || view.generation) models.push_back(status(id));
    }
    std::ranges::sort(models, {}, &http::ModelStatus::name);  // a reload adds at the end
    return models;
}

http::Health Switchboard::health() const {
    return {.stopping = engine_.is_shutting_down(),
            .version = std::string{base::version()},
            .commit = std::string{base::commit()},
            .daemon_id = options_.daemon_id,
            .configuration = options_.configuration_path,
            .uptime = loop_.now() - started_};
}

std::optional<http::Unready> Switchboard::unready() const {
    if (engine_.is_shutting_down()) {
        base::Error error =
            base::fail(Errc::unavailable, "the daemon is shutting down; ask its successor");
        error.reason = "shutting_down";
        return http::Unready{std::move(error)};
    }
    // calls_ is in order of arrival: the walk ends at the first call that no model's limit covers.
    const core::Instant now = loop_.now();
    for (const auto& [request, call] : calls_) {
        const core::Duration waited = now - call.arrived;
        if (waited < shortest_max_wait_) break;
        const ModelConfiguration& model = configuration_of(call.model);
        const auto reason = engine_.wait_reason(request);
        if (waited < model.max_wait || !reason || !core::is_stuck(*reason)) continue;
        return http::Unready{too_long_wait(model, waited), model.name};
    }
    return std::nullopt;
}

std::string Switchboard::metrics(const http::ConnectionCounters& connections) {
    MetricsSnapshot snapshot{.connections = connections,
                             .access_lines_lost = access_log_ != nullptr ? access_log_->lost() : 0};
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        const core::ModelView view = engine_.view(core::ModelId{number});
        snapshot.models.push_back({.name = configuration_of(core::ModelId{number}).name,
                                   .residency = core::to_text(view.residency),
                                   .waiting = view.waiting,
                                   .running = view.running,
                                   .loads = view.load_count,
                                   .failures = view.failure_count});
    }
    return metrics_.text(snapshot);
}

void Switchboard::note(const http::ExchangeRecord& record) {
    metrics_.count(record);
    if (access_log_ == nullptr) return;
    const bool is_nameless = record.trace.request_id.empty() && record.request != 0;
    const std::string name = is_nameless ? to_text(core::RequestId{record.request}) : "";
    access_log_->write(record, is_nameless ? name : record.trace.request_id);
}

// --- workers

void Switchboard::on_worker(worker::Event event) {
    if (auto* answered = std::get_if<worker::Answered>(&event)) {
        // The first answer is the one that counts; a second is dropped by the engine.
        answers_.try_emplace(
            {core::Generation{answered->generation}, core::RequestId{answered->request}},
            Answer{std::move(answered->content_type), std::move(answered->body)});
    } else if (const auto* printed = std::get_if<worker::Printed>(&event)) {
        constexpr std::array kStreams = {"stdout", "stderr", "log"};
        const log::Field fields[] = {
            {"model", printed->model},
            {"stream", kStreams[static_cast<std::size_t>(printed->output)]},
            {"line", printed->line}};
        log::write(printed->level, "worker.output", fields);
    } else if (const auto* hello = std::get_if<worker::Hello>(&event)) {
        log::info("worker.hello", {{"generation", hello->generation},
                                   {"pid", hello->pid},
                                   {"sdk", hello->sdk},
                                   {"runtime", hello->runtime}});
    } else if (const auto* exited = std::get_if<worker::Exited>(&event)) {
        log_leftovers(*exited);
    }
    if (const auto core_event = to_event(event)) handle(*core_event);
    if (const auto* started = std::get_if<worker::Started>(&event)) {
        drop_body(core::RequestId{started->request});
    }
}

void Switchboard::log_leftovers(const worker::Exited& exited) {
    if (exited.leftover_count == 0) return;
    log::warning("worker.leftovers_killed", {{"generation", exited.generation},
                                             {"pid", exited.pid},
                                             {"processes", exited.leftover_count},
                                             {"all_gone", exited.is_everything_gone}});
}

// What has begun is not sent again, unless the model is idempotent: its input is not needed any
// more.
void Switchboard::drop_body(core::RequestId request) {
    const auto call = calls_.find(request);
    if (call == calls_.end() || call->second.is_idempotent) return;
    if (!engine_.wait_reason(request)) std::string{}.swap(call->second.body);
}

// --- commands

void Switchboard::carry_out(core::Command& command) {
    std::visit([this](auto& c) { on(c); }, command);
}

void Switchboard::on(const core::Launch& command) {
    const worker::LaunchOrder order =
        to_launch_order(configuration_of(command.model), command.generation,
                        options_.python_package, options_.environment);
    supervisor_.launch(order);
    if (const auto pid = supervisor_.find_pid(command.generation.value)) {
        pids_[command.generation] = *pid;
        io::set_descriptor_limit(*pid, options_.descriptors.former);
    }
}

void Switchboard::on(const core::Load& command) {
    const ModelConfiguration& model = configuration_of(command.model);
    supervisor_.load(command.generation.value, {.model = model.name,
                                                .device = "cpu",
                                                .concurrency = model.concurrency,
                                                .body_max = body_limit_,
                                                .heartbeat = kHeartbeat});
}

void Switchboard::on(const core::Dispatch& command) {
    const auto call = calls_.find(command.request);
    WL_ASSERT(call != calls_.end());  // a Dispatch comes before its Respond
    supervisor_.run(command.generation.value, command.request.value,
                    {.content_type = call->second.content_type,
                     .variant = call->second.variant,
                     .timeout = command.timeout},
                    call->second.body);
}

void Switchboard::on(const core::Recall& command) {
    supervisor_.recall(command.generation.value, command.request.value);
}
void Switchboard::on(const core::Cancel& command) {
    supervisor_.cancel(command.generation.value, command.request.value);
}
void Switchboard::on(const core::Stop& command) { supervisor_.stop(command.generation.value); }
void Switchboard::on(const core::Terminate& command) {
    supervisor_.terminate(command.generation.value);
}
void Switchboard::on(const core::Kill& command) { supervisor_.kill(command.generation.value); }

void Switchboard::on(core::Respond& command) {
    if (command.error) log_failure(command, *command.error);
    const std::string request_id = to_text(command.request);
    if (auto admin = admins_.extract(command.request)) {
        if (command.error) return admin.mapped().reply(request_id, std::move(*command.error));
        return admin.mapped().reply(request_id, status(command.model));
    }
    auto call = calls_.extract(command.request);
    if (command.error) return call.mapped().reply(request_id, std::move(*command.error));
    Answer& answer = answers_.at({command.generation, command.request});
    call.mapped().reply(request_id, http::CallAnswer{.content_type = std::move(answer.content_type),
                                                     .body = std::move(answer.body),
                                                     .copy = command.generation.value,
                                                     .worker_pid = pids_[command.generation],
                                                     .device = "cpu",
                                                     .queue = command.timings.queue,
                                                     .load = command.timings.load,
                                                     .run = command.timings.run});
}

void Switchboard::log_failure(const core::Respond& command, const core::Error& error) const {
    const bool is_usual = error.code == Errc::cancelled || error.code == Errc::queue_full ||
                          error.code == Errc::invalid_input || error.reason == "shutting_down";
    std::vector<log::Field> fields{{"request", to_text(command.request)},
                                   {"model", configuration_of(command.model).name},
                                   {"type", base::traits(error.code).name},
                                   {"message", error.message}};
    if (!error.reason.empty()) fields.emplace_back("reason", error.reason);
    if (!error.cause.empty()) fields.emplace_back("cause", error.cause);
    if (!error.traceback.empty()) fields.emplace_back("traceback", error.traceback);
    log::write(is_usual ? log::Level::info : log::Level::warning, "request.failed", fields);
}

void Switchboard::on(const core::Report& command) {
    metrics_.count_event(core::to_text(command.code),
                         command.model ? configuration_of(command.model).name : std::string{});
    std::vector<log::Field> fields;
    if (command.model) fields.emplace_back("model", configuration_of(command.model).name);
    if (command.generation) fields.emplace_back("generation", command.generation.value);
    if (const auto pid = pids_.find(command.generation); pid != pids_.end()) {
        fields.emplace_back("pid", pid->second);
    }
    if (command.request) fields.emplace_back("request", to_text(command.request));
    if (command.error) {
        fields.emplace_back("type", base::traits(command.error->code).name);
        fields.emplace_back("message", command.error->message);
        if (!command.error->traceback.empty()) {
            fields.emplace_back("traceback", command.error->traceback);
        }
    }
    const bool is_violent = command.code == core::EventCode::worker_terminated ||
                            command.code == core::EventCode::worker_killed ||
                            command.code == core::EventCode::worker_unkillable;
    log::write(command.error || is_violent ? log::Level::warning : log::Level::info,
               core::to_text(command.code), fields);
    if (command.code == core::EventCode::worker_reaped) reaped_.push_back(command.generation);
}

}  // namespace windlass::daemon
