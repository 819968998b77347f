// The moves of a small world.
#include "exploration/small_world.h"

#include <fmt/core.h>

#include <algorithm>

namespace windlass::exploration {

using base::Errc;
using namespace std::chrono_literals;

namespace {

constexpr core::ModelId kModel{1};
constexpr RequestId kLoad{100};
constexpr RequestId kUnload{101};
constexpr RequestId kRestart{102};
constexpr RequestId kOffload{103};

core::Error worker_error(Errc code) { return base::fail(code, "said by the worker"); }

}  // namespace

std::string to_text(const MoveName& name) {
    std::string text;
    if (name.worker) text += fmt::format("worker {}: ", name.worker.value);
    if (name.device) text += fmt::format("device {}: ", name.device.value);
    text += name.what;
    if (name.request) text += fmt::format(" {}", name.request.value);
    return text;
}

SmallWorld::SmallWorld(const WorldOptions& options)
    : options_(std::make_shared<const WorldOptions>(options)),
      engine_(specs(), options.memory.devices),
      ledger_(specs(), options.memory.devices),
      memory_(std::shared_ptr<const MemoryOptions>(options_, &options_->memory)),
      jobs_(std::shared_ptr<const JobOptions>(options_, &options_->jobs)),
      now_(1h) {
    if (options_->jobs.count > 0) hear(core::JobStoreOpened{1});
}

std::vector<core::ModelSpec> SmallWorld::specs() const {
    std::vector<core::ModelSpec> specs{options_->model};
    specs.insert(specs.end(), options_->others.begin(), options_->others.end());
    return specs;
}

ModelId SmallWorld::model_of(RequestId call) const {
    return ModelId{(call.value - 1) % (options_->others.size() + 1) + 1};
}

// An unknown need turns out to be the smallest amount there is.
Bytes SmallWorld::need_of(const Worker& worker) const {
    const std::uint64_t other = worker.model.value - kModel.value;
    const core::Need need = (other == 0 ? options_->model : options_->others[other - 1]).need;
    return need.kind == core::NeedKind::bytes ? need.bytes : Bytes{std::uint64_t{1} << 30};
}

void SmallWorld::list_moves(std::vector<Move>& moves) const {
    moves.clear();
    add_client_moves(moves);
    add_lease_moves(moves);
    add_administrator_moves(moves);
    for (const auto& [generation, worker] : workers_) add_worker_moves(moves, generation, worker);
    memory_.add_moves(moves, engine_);
    jobs_.add_moves(moves);
    const bool is_anybody_killed = std::ranges::any_of(
        workers_, [](const auto& entry) { return (entry.second.signals & 4) != 0; });
    if (!engine_.next_deadline() || (options_->is_mortal && is_anybody_killed)) return;
    moves.push_back(due({{"time passes"}, core::TimePassed{}}));
    if (!is_blind()) moves.push_back(due({{"a while passes"}, {}, Deed::while_passes}));
}

void SmallWorld::add_client_moves(std::vector<Move>& moves) const {
    for (int i = 1; i <= options_->call_count; ++i) {
        const RequestId request{static_cast<std::uint64_t>(i)};
        if (!made_.contains(request)) {
            // The second is in less of a hurry to be answered and more to be begun.
            const core::Duration timeout = options_->call_timeout;
            const core::CallArrived call{.request = request,
                                         .model = model_of(request),
                                         .timeout = i == 1 ? timeout : timeout * 7 / 4,
                                         .wait = i == 1 ? timeout : timeout * 5 / 8};
            moves.push_back({{.what = "arrives: call", .request = request}, call});
            break;  // calls are alike: only the next one may arrive
        }
        const bool may_go = !options_->is_calm || options_->has_cancel;
        if (may_go && !ledger_.is_answered(request) && !gone_.contains(request)) {
            moves.push_back({{.what = "goes: the client of call", .request = request},
                             core::ClientGone{request}});
        }
    }
}

void SmallWorld::add_lease_moves(std::vector<Move>& moves) const {
    if (options_->lease.bytes == Bytes{}) return;
    if (!made_.contains(kLease)) {
        core::LeaseAsked asked = options_->lease;
        asked.request = kLease;
        moves.push_back({{"lease asked"}, asked});
    } else if (!lease_ && !ledger_.is_answered(kLease)) {
        moves.push_back({{"goes: the client of the lease"}, core::ClientGone{kLease}});
    }
    if (!lease_) return;
    const Generation holder = lease_->generation;
    if (!lease_->has_taken && memory_.has_room(lease_->device, options_->lease.bytes)) {
        moves.push_back({{"takes what was leased: the client"}, {}, Deed::lease_takes});
    }
    moves.push_back(
        {{.what = "gives its lease back", .worker = holder}, core::LeaseReturned{kLease}});
    moves.push_back(
        {{.what = "goes: the client of the lease", .worker = holder}, core::ClientGone{kLease}});
    if (!memory_.may_stay(holder)) return;
    moves.push_back({{.what = "says that it gives its lease back", .worker = holder},
                     core::LeaseReturned{kLease},
                     Deed::memory_stays});
}

void SmallWorld::add_administrator_moves(std::vector<Move>& moves) const {
    if (options_->has_load && !made_.contains(kLoad)) {
        moves.push_back({{"load asked"}, core::LoadAsked{kLoad, kModel, 50s}});
    }
    if (options_->has_unload && !made_.contains(kUnload)) {
        moves.push_back({{"unload asked"}, core::UnloadAsked{kUnload, kModel, 50s}});
    }
    if (options_->has_offload && !made_.contains(kOffload)) {
        moves.push_back({{"offload asked"}, core::OffloadAsked{kOffload, kModel, 50s}});
    }
    if (options_->has_restart && !made_.contains(kRestart)) {
        moves.push_back({{"restart asked"}, core::RestartAsked{kRestart, kModel, 50s}});
    }
    if (options_->has_pause && pause_step_ == 0) {
        moves.push_back({{"paused"}, core::PauseAsked{kModel}});
    }
    if (options_->has_pause && pause_step_ == 1) {
        // Calls end by themselves; a job counts on it.
        moves.push_back({.name = {"resumed"},
                         .event = core::ResumeAsked{kModel},
                         .is_due = options_->jobs.count > 0});
    }
    if (options_->has_reload && reload_step_ == 0) {
        core::ModelSpec changed = options_->model;
        changed.idempotent = !changed.idempotent;
        changed.run_timeout -= 4s;
        moves.push_back({{"changed"}, core::ModelConfigured{changed, true}});
    }
    if (options_->has_reload && reload_step_ < 2) {
        moves.push_back({{"removed"}, core::ModelRemoved{kModel}});
    }
    if (options_->has_reload && reload_step_ == 2) {
        moves.push_back({{"back again"}, core::ModelConfigured{options_->model, false}});
    }
    if (options_->has_shutdown && shutdown_step_ == 0) {
        moves.push_back({{"shutdown"}, core::ShutdownAsked{10s}});
    }
    if (options_->has_shutdown && shutdown_step_ == 1) {
        moves.push_back({{"shutdown at once"}, core::ShutdownForced{}});
    }
}

void SmallWorld::add_worker_moves(std::vector<Move>& moves, Generation generation,
                                  const Worker& worker) const {
    const auto add = [&](const char* name, core::Event event, bool is_due = false) {
        moves.push_back({.name = {.what = name, .worker = generation},
                         .event = std::move(event),
                         .is_due = is_due});
    };
    const core::WorkerExited exit{generation, "exit status 1"};
    if (!options_->is_steady || worker.signals != 0) add("exits", exit, worker.signals != 0);
    if (memory_.may_stay(generation)) {
        moves.push_back(
            {{.what = "exits, its memory stays", .worker = generation}, exit, Deed::memory_stays});
    }
    if (options_->has_kill && !has_killed_) add("is to be killed", core::KillAsked{generation});
    if (options_->is_calm) return add_calm_moves(moves, generation, worker);
    if (!worker.said_hello && !worker.has_failed && worker.signals == 0) {
        add("cannot be launched", core::LaunchFailed{generation, worker_error(Errc::not_found)});
    }
    if (worker.is_deaf) return;
    add("closes its channel", core::ChannelLost{generation, worker_error(Errc::worker_lost)});
    if (!worker.said_hello && !worker.has_failed) {
        add("says hello", core::WorkerHello{generation}, true);
        if (options_->model.standby > 0) {
            add("has used a driver", core::WorkerHello{generation, false, true});
        }
        add("fails to start", core::LoadFailed{generation, worker_error(Errc::internal)});
    }
    if (worker.got_load && !worker.is_loaded && !worker.has_failed) {
        add("has loaded", core::WorkerLoaded{generation}, true);
        add("fails to load", core::LoadFailed{generation, worker_error(Errc::out_of_memory)});
    }
    add_run_moves(moves, generation, worker);
}

void SmallWorld::add_calm_moves(std::vector<Move>& moves, Generation generation,
                                const Worker& worker) const {
    const auto add = [&](const char* name, core::Event event, RequestId request = {}) {
        moves.push_back(
            due({{.what = name, .worker = generation, .request = request}, std::move(event)}));
    };
    if (!worker.said_hello) {
        add("says hello", core::WorkerHello{generation, options_->can_offload});
    }
    add_weight_moves(moves, generation, worker);
    if (worker.got_load && !worker.is_loaded && !worker.has_failed) {
        if (memory_.has_room(worker.device, need_of(worker))) {
            add("has loaded", core::WorkerLoaded{generation});
        } else {
            add("finds no memory", core::LoadFailed{generation, worker_error(Errc::out_of_memory)});
        }
    }
    for (const RequestId request : worker.held)
        if (worker.begun.empty()) add("begins", core::RunStarted{generation, request}, request);
    for (const RequestId request : worker.begun)
        add("answers", core::RunAnswered{generation, request}, request);
    for (const RequestId request : worker.recalls) {
        const bool is_held = worker.held.contains(request);
        add("gives back", core::RunRecalled{generation, request, is_held}, request);
    }
}

void SmallWorld::add_weight_moves(std::vector<Move>& moves, Generation generation,
                                  const Worker& worker) const {
    const auto add = [&](const char* name, core::Event event, bool is_due = false) {
        moves.push_back({.name = {.what = name, .worker = generation},
                         .event = std::move(event),
                         .is_due = is_due});
    };
    if (!worker.is_moving) return;
    if (!worker.is_away) {
        add("is offloaded", core::WorkerOffloaded{generation}, true);
        add("fails to offload", core::OffloadFailed{generation, worker_error(Errc::internal)});
    } else if (memory_.has_room(worker.device, need_of(worker) - kKept)) {
        add("is restored", core::WorkerRestored{generation}, true);
        add("fails to restore", core::RestoreFailed{generation, worker_error(Errc::internal)});
    } else {
        add("finds no memory", core::RestoreFailed{generation, worker_error(Errc::out_of_memory)},
            true);
    }
}

void SmallWorld::add_run_moves(std::vector<Move>& moves, Generation generation,
                               const Worker& worker) const {
    const auto add = [&](const char* name, RequestId request, core::Event event,
                         bool is_due = false) {
        moves.push_back({.name = {.what = name, .worker = generation, .request = request},
                         .event = std::move(event),
                         .is_due = is_due});
    };
    for (const RequestId request : worker.held) {
        if (worker.begun.size() < options_->model.concurrency) {
            add("begins", request, core::RunStarted{generation, request}, true);
        }
    }
    for (const RequestId request : worker.recalls) {
        const bool is_held = worker.held.contains(request);
        add(is_held ? "gives back" : "keeps", request,
            core::RunRecalled{generation, request, is_held}, true);
    }
    for (const RequestId request : worker.begun) {
        add("answers", request, core::RunAnswered{generation, request}, true);
        add("progresses with", request, core::RunProgressed{generation, request});
        for (const Errc code : {Errc::internal, Errc::transient, Errc::context_lost}) {
            add(base::traits(code).name.data(), request,
                core::RunFailed{generation, request, worker_error(code)});
        }
    }
    const auto answer_again = [&](RequestId request) {  // or unasked
        if (worker.begun.contains(request) || worker.held.contains(request)) return;
        add("answers again", request, core::RunAnswered{generation, request});
    };
    for (const RequestId request : made_) answer_again(request);
    for (const RequestId request : jobs_.claimed()) answer_again(request);
}

void SmallWorld::apply(const Move& move) {
    reports_.clear();
    if (move.deed == Deed::while_passes) {
        pass_while();
    } else {
        memory_.perform(move, engine_);
        if (move.deed == Deed::lease_takes) {
            lease_->has_taken = true;
            memory_.take(lease_->device, lease_->generation, options_->lease.bytes);
        }
        stays_ = move.deed == Deed::memory_stays;
        if (move.event) deliver(*move.event);
        if (const auto told = jobs_.perform(move)) deliver(*told);
    }
    if (const auto forgotten = memory_.find_forgotten(engine_)) fail(*forgotten);
    if (const auto& broken = ledger_.violation()) fail(*broken);
    if (const auto& broken = jobs_.broken()) fail(*broken);
}

bool SmallWorld::deliver(const core::Event& event) {
    bool is_eventful = hear(event);
    // A deadline that was reached in this very instant is delivered in the same turn of the loop.
    while (engine_.next_deadline().value_or(core::Instant::max()) <= now_) {
        is_eventful = hear(core::TimePassed{}) || is_eventful;
    }
    ledger_.check_rest(engine_, now_);
    return is_eventful;
}

bool SmallWorld::hear(const core::Event& event) {
    const bool is_time = std::holds_alternative<core::TimePassed>(event);
    if (is_time) now_ = std::max(now_, engine_.next_deadline().value_or(now_));
    note_event(event);
    ledger_.observe(event, now_);
    engine_.handle(event, now_, commands_);
    ledger_.note_held(engine_);
    ledger_.observe(commands_, now_);
    engine_.check_invariants();
    note_commands(commands_);
    const bool did_more = std::ranges::any_of(commands_, [](const core::Command& command) {
        return !std::holds_alternative<core::SampleDevice>(command);
    });
    commands_.clear();
    return did_more;
}

bool SmallWorld::answer_all() {
    for (const core::Event& event : memory_.answers(engine_)) {
        memory_.perform({{}, event}, engine_);
        if (deliver(event)) return true;
    }
    return false;
}

void SmallWorld::pass_while() {
    const core::Instant end = now_ + 1min;
    while (!answer_all() && engine_.next_deadline().value_or(core::Instant::max()) <= end) {
        if (deliver(core::TimePassed{})) return;
    }
}

std::optional<std::string> SmallWorld::find_leftover() const {
    if (is_blind() || engine_.is_shutting_down()) return std::nullopt;
    SmallWorld healed = *this;
    const core::Instant end = now_ + 2min;
    for (const core::Event& event : healed.memory_.heal(engine_)) healed.deliver(event);
    do {
        healed.answer_all();
        if (healed.ledger_.violation()) return healed.ledger_.violation();
        if (!healed.engine_.next_deadline()) break;
        healed.deliver(core::TimePassed{});
    } while (healed.now_ < end);
    const core::Devices& devices = healed.engine_.devices();
    if (!devices.holdings().empty()) return "a claim or a fence is left although nobody lives";
    return std::nullopt;
}

bool SmallWorld::is_blind() const {
    return std::ranges::none_of(options_->memory.devices.known, &core::DeviceSpec::is_measured);
}

bool SmallWorld::is_anybody_waiting(core::WaitReason reason) const {
    return std::ranges::any_of(
        made_, [&](RequestId request) { return engine_.wait_reason(request) == reason; });
}

bool SmallWorld::is_any_silent() const {
    return std::ranges::any_of(engine_.devices().all(),
                               [](const auto& device) { return device.second.is_silent; });
}

void SmallWorld::fail(const std::string& sentence) {
    if (!violation_) violation_ = sentence;
}

Digest SmallWorld::canonical(CanonicalEncoder& encoder) const {
    encoder.begin(now_);
    for (const RequestId request : made_) encoder.request(request);
    encoder.number(gone_.size());
    for (const RequestId request : gone_) encoder.request(request);
    encoder.number(
        static_cast<std::uint64_t>(shutdown_step_ | pause_step_ << 2 | reload_step_ << 4) |
        (has_killed_ ? 256u : 0u) | (lease_ ? 512u : 0u) |
        (lease_ && lease_->has_taken ? 1024u : 0u));
    engine_.encode(encoder);
    ledger_.encode(encoder);
    memory_.encode(encoder, engine_);
    jobs_.encode(encoder);
    for (const auto& [generation, worker] : workers_) {
        encoder.generation(generation);
        encoder.number((worker.said_hello ? 1u : 0u) | (worker.got_load ? 2u : 0u) |
                       (worker.is_loaded ? 4u : 0u) | (worker.has_failed ? 8u : 0u) |
                       (worker.is_deaf ? 16u : 0u) | static_cast<unsigned>(worker.signals) << 5 |
                       (worker.is_moving ? 256u : 0u) | (worker.is_away ? 512u : 0u));
        for (const auto* group : {&worker.held, &worker.begun, &worker.recalls}) {
            encoder.number(group->size());
            for (const RequestId request : *group) encoder.request(request);
        }
    }
    return encoder.take();
}

}  // namespace windlass::exploration
