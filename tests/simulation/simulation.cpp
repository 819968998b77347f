// The turns of a simulated world.
#include "simulation/simulation.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/overloaded.h"
#include "base/version.h"
#include "simulation/drawn_world.h"

namespace windlass::simulation {

using namespace std::chrono_literals;

namespace {

// Which worker an event is about; none for clients and time.
Generation worker_of(const core::Event& event) {
    return std::visit(
        [](const auto& e) {
            if constexpr (requires { e.generation; }) return e.generation;
            return Generation{};
        },
        event);
}

std::vector<core::ModelSpec> at_most(std::size_t count, std::vector<core::ModelSpec> specs) {
    specs.resize(std::min(specs.size(), std::max(count, std::size_t{1})));
    return specs;
}

}  // namespace

Simulation::Simulation(Life life, world::Coverage& coverage)
    : life_(std::move(life)),
      random_(life_.seed),
      wear_random_(life_.seed ^ 0x7265637a),
      leap_random_(life_.seed ^ 0x6c656170),
      job_random_(life_.seed ^ 0x6a6f6273),
      odds_(random_, leap_random_, job_random_),
      coverage_(coverage),
      has_wear_(wear_random_.chance(250)),
      has_jobs_(job_random_.chance(250)),
      settings_(draw_devices(random_)),
      specs_(with_jobs(with_wear(at_most(life_.models_max, draw_models(random_, settings_))))),
      engine_(specs_, settings_),
      ledger_(specs_, settings_),
      now_(1h),
      client_permille_(random_.chance(300) || has_wear_ ? 100 : 300),
      memory_(settings_, random_, hooks_),
      names_({.models = specs_, .devices = settings_}) {
    coverage_.forget_models();
    for (const Fault fault : life_.without) odds_.spare(fault);
    hooks_ = {
        .schedule = [this](base::Duration after, core::Event e) { schedule(after, std::move(e)); },
        .strikes =
            [this](Fault fault) {
                if (!odds_.strikes(fault, random_)) return false;
                const auto index = static_cast<std::size_t>(fault);
                auto& count = struck_.at(index);
                if (count == nullptr) {
                    count = coverage_.counter(fmt::format("fault {}", kFaultNames.at(index)));
                }
                ++*count;
                return true;
            },
        .between = [this](base::Duration low,
                          base::Duration high) { return random_.between(low, high); },
        .take_memory = [this](Generation generation) { return memory_.take(generation); },
        .grow_memory = [this](Generation generation) { return memory_.grow(generation); },
        .leave_device = [this](Generation generation) { memory_.leave(generation); },
        .come_back = [this](Generation generation) { return memory_.come_back(generation); }};
}

std::vector<core::ModelSpec> Simulation::with_wear(std::vector<core::ModelSpec> specs) {
    if (!has_wear_) return specs;
    const bool has_cpu = settings_.known.back().kind == core::DeviceKind::cpu;
    for (core::ModelSpec& spec : specs) {
        draw_wear(wear_random_, spec);
        if (spec.max_growth && has_cpu && wear_random_.chance(300)) {
            spec.devices = {.is_cpu = true};
            spec.need = {};
        }
    }
    return specs;
}

void Simulation::schedule(base::Duration after, core::Event event) {
    planned_.emplace(now_ + after, std::move(event));
}

// What an earlier daemon may have learned, of these models or of what they were then. Drawn by
// itself, so that it leaves the rest of the world as it is.
void Simulation::recall_needs() {
    Random random{life_.seed ^ 0x6e656564};
    for (std::uint64_t id = 1; id <= specs_.size(); ++id) {
        if (!random.chance(300)) continue;
        core::NeedRecalled recalled{.model = core::ModelId{id},
                                    .make = random.chance(800) ? "gpu A" : "gpu B",
                                    .peaks = {}};
        for (std::uint64_t i = 1 + random.below(3); i > 0; --i) {
            recalled.peaks.emplace_back((1 + random.below(10)) << 30);
        }
        for (const Bytes peak : recalled.peaks)
            store_.remember({recalled.model, recalled.make}, peak, {});
        deliver(recalled);
        coverage_.count("need recalled");
    }
}

// Workers end with their daemon; nobody is answered. What models are configured to be stays.
void Simulation::crash() {
    if (story_limit_ > 0) write_down("the daemon dies, and with it all workers");
    workers_.clear();
    planned_.clear();
    const std::vector<core::NeedRecalled> lasting = store_.crash(now_);
    now_ += random_.between(10ms, 2s);
    memory_.orphan(now_);
    promised_.clear();
    engine_ = core::Engine{specs_, settings_};
    ledger_ = world::Ledger{specs_, settings_};
    coverage_.forget_models();
    for (const core::NeedRecalled& recalled : lasting) {
        coverage_.count("need recalled after a crash");
        deliver(recalled);
    }
    reopen_jobs();
}

void Simulation::run() {
    recall_needs();
    if (has_jobs_) open_jobs();
    // A process has to make its runs, and to rest between them.
    const std::size_t event_count = has_wear_ ? 2 * kEventsMin : kEventsMin;
    const Instant end = now_ + life_.lasts;
    const auto is_young = [&] {
        return event_count_ < life_.events_max && (event_count_ < event_count || now_ < end);
    };
    while (is_young() && !violation_) {
        if (has_jobs_ && job_random_.chance(100)) {
            send_job();
        } else if (random_.chance(client_permille_)) {
            send_client();
        } else if (random_.chance(70) && life_.has_administrators) {
            send_administrator();
        } else if (hooks_.strikes(Fault::daemon_dies)) {
            crash();
        } else if (!turn()) {
            now_ += random_.between(1ms, 500ms);  // nothing happens until the next client comes
            send_client();
        }
    }
    odds_.heal();
    memory_.heal(now_);
    for (const auto& [id, device] : engine_.devices().all()) {
        if (device.is_lost) schedule(0ms, core::DeviceFound{id, device.spec});
    }
    for (std::size_t i = 1; i <= specs_.size(); ++i) deliver(core::ResumeAsked{core::ModelId{i}});
    make_all_fit();
    if (random_.chance(500)) come_to_rest();  // before the end; or end it in the middle
    shut_down();
    ledger_.check_quiet();
    if (const auto& broken = ledger_.violation()) fail(*broken);
}

UnderWay Simulation::under_way() const {
    UnderWay found{.has_wear = has_wear_};
    if (!planned_.empty()) found.planned = planned_.rbegin()->first - now_;
    if (jobs_.has_orders()) found.planned = std::max(found.planned, jobs_.last_order() - now_);
    for (const auto& [request, deadline] : promised_) {
        if (ledger_.is_answered(request)) continue;
        found.promised = std::max(found.promised, deadline - now_);
    }
    return found;
}

void Simulation::come_to_rest() {
    const Instant begin = now_;
    const base::Duration bound = rest_bound(specs_, settings_, under_way()) + job_bound();
    const auto is_at_rest = [this] {
        return ledger_.unanswered_count() == 0 && !is_owed() && jobs_.live().empty();
    };
    while (!is_at_rest() && !violation_ && now_ <= begin + bound && turn()) {
    }
    rest_ = {.needed = now_ - begin, .bound = bound};
    if (is_owed()) fail("a claim or fence of the dead is left although all memory is back");
    if (!jobs_.live().empty()) fail("a job is not over although all faults are");
    if (!is_at_rest()) fail("somebody waits although all faults are over");
}

void Simulation::shut_down() {
    const Instant begin = now_;
    const base::Duration grace = random_.between(0ms, 2s);
    const base::Duration bound = end_bound(specs_, grace, under_way());
    deliver(core::ShutdownAsked{grace});
    if (random_.chance(300)) send_client();
    if (random_.chance(300)) deliver(core::ShutdownForced{});
    const auto is_over = [this] {
        return engine_.is_finished() && planned_.empty() && !jobs_.has_orders();
    };
    while (!violation_ && now_ <= begin + bound && !is_over() && turn()) {
    }
    end_ = {.needed = now_ - begin, .bound = bound};
    if (!is_over()) fail("the shutdown never finished");
}

bool Simulation::is_owed() const {
    return std::ranges::any_of(engine_.devices().all(), [](const auto& entry) {
        const core::DeviceLedger& ledger = entry.second.ledger;
        return ledger.has_departed() || !ledger.fences().empty();
    });
}

void Simulation::send_client() {
    const core::ModelId model{1 + random_.below(specs_.size())};
    const bool is_patient = random_.chance(700);
    const core::CallArrived call{
        .request = RequestId{++last_request_},
        .model = model,
        .priority = static_cast<std::uint8_t>(random_.below(10)),
        .timeout = is_patient ? random_.between(2s, 20s) : random_.between(10ms, 2s),
        .wait = random_.chance(500) ? random_.between(10ms, 3s) : 20s};
    if (hooks_.strikes(Fault::client_vanishes)) {
        schedule(random_.between(0ms, 2s), core::ClientGone{call.request});
    }
    deliver(call);
}

void Simulation::send_administrator() {
    const core::ModelId model{1 + random_.below(specs_.size())};
    const base::Duration timeout = random_.between(10ms, 10s);
    const RequestId request{last_request_ + 1};
    switch (random_.below(8)) {
        case 0: deliver(core::LoadAsked{request, model, timeout}); break;
        case 1: deliver(core::UnloadAsked{request, model, timeout, random_.chance(200)}); break;
        case 2: deliver(core::RestartAsked{request, model, timeout}); break;
        case 3:
            if (random_.chance(500)) return lose_device();
            schedule(random_.between(1ms, 1s), core::ResumeAsked{model});
            return deliver(core::PauseAsked{model});
        case 4:
        case 5: deliver(core::OffloadAsked{request, model, timeout}); break;
        case 6:
            if (engine_.view(model).generation) coverage_.count("asked to kill");
            return deliver(core::KillAsked{engine_.view(model).generation});
        default: return reconfigure();
    }
    ++last_request_;
}

void Simulation::lose_device() {
    const DeviceId id{1 + random_.below(settings_.known.size())};
    const core::Device& device = *engine_.devices().find_device(id);
    if (device.spec.kind == core::DeviceKind::cpu || device.is_lost) return;
    memory_.lose(id);
    coverage_.count("device lost");
    deliver(core::DeviceLost{id});
    schedule(random_.between(1ms, 2s), core::DeviceFound{id, device.spec});
}

void Simulation::reconfigure() {
    const std::size_t number = random_.below(specs_.size());
    if (random_.chance(300)) {  // and put back, as it is now
        schedule(random_.between(1ms, 1s), core::ModelConfigured{specs_[number], true});
        return deliver(core::ModelRemoved{core::ModelId{number + 1}});
    }
    if (random_.chance(200) && specs_.size() < 4) {
        return deliver(core::ModelConfigured{draw_model(random_, specs_.size()), false});
    }
    core::ModelSpec spec = specs_[number];
    draw_limits(random_, spec);
    if (spec.recycle_after > 0 || spec.max_growth) draw_wear(wear_random_, spec);
    const bool needs_new_process = random_.chance(500);
    if (needs_new_process) spec.concurrency = static_cast<std::uint32_t>(1 + random_.below(3));
    deliver(core::ModelConfigured{spec, needs_new_process});
}

void Simulation::note_spec(const core::ModelSpec& spec) {
    const auto known = std::ranges::find(specs_, spec.name, &core::ModelSpec::name);
    known == specs_.end() ? specs_.push_back(spec) : void(*known = spec);
}

bool Simulation::turn() {
    const auto deadline = engine_.next_deadline();
    const auto told = jobs_.next_due();
    if (planned_.empty() && !deadline && !told) return false;
    Instant next = std::min(deadline.value_or(Instant::max()), told.value_or(Instant::max()));
    if (!planned_.empty()) next = std::min(next, planned_.begin()->first);
    now_ = std::max(now_, next);
    if (hooks_.strikes(Fault::loop_late)) now_ += random_.between(1ms, 500ms);
    if (odds_.strikes(Fault::clock_leaps, leap_random_)) leap();
    // Inputs first, then time: signs of life are read before a verdict.
    hear_store();
    while (!planned_.empty() && planned_.begin()->first <= now_) {
        const core::Event event = std::move(planned_.extract(planned_.begin()).mapped());
        if (is_due_to_happen(event)) deliver(event);
    }
    // As the daemon's loop does. (That it forgives nothing below 2 s is its own: here all is
    // faster.)
    if (deadline && *deadline < now_) deliver(core::LoopDelayed{now_ - *deadline});
    deliver(core::TimePassed{});
    ledger_.check_rest(engine_, now_);
    if (const auto& broken = ledger_.violation()) fail(*broken);
    for (std::size_t i = 1; i <= specs_.size(); ++i)
        coverage_.count_waits(engine_, core::ModelId{i});
    return true;
}

// The daemon is stopped, as in a machine whose host sleeps, and its clock runs on. In half of the
// cases all others are stopped with it, and go on where they were.
void Simulation::leap() {
    coverage_.count("fault clock leaps");
    const base::Duration by = leap_random_.between(1s, 2h);
    now_ += by;
    if (story_limit_ > 0) write_down("the clock leaps");
    if (leap_random_.chance(500)) return;
    std::multimap<Instant, core::Event> later;
    for (auto& [at, event] : planned_) later.emplace(at + by, std::move(event));
    planned_ = std::move(later);
}

bool Simulation::is_due_to_happen(const core::Event& event) {
    if (const auto* gone = std::get_if<core::ClientGone>(&event)) {
        return !ledger_.is_answered(gone->request);
    }
    if (const auto* found = std::get_if<core::DeviceFound>(&event)) {
        if (!engine_.devices().find_device(found->device)->is_lost) return false;
        memory_.find(found->device);
        return true;
    }
    const Generation generation = worker_of(event);
    const auto worker = workers_.find(generation);
    if (!generation) return true;
    if (worker == workers_.end() || !worker->second.happens(event)) return false;
    return true;
}

void Simulation::deliver(const core::Event& event) {
    ++event_count_;
    const bool is_exit = std::holds_alternative<core::WorkerExited>(event) ||
                         std::holds_alternative<core::LaunchFailed>(event);
    if (is_exit) memory_.end(worker_of(event), engine_, now_);
    if (const auto* changed = std::get_if<core::ModelConfigured>(&event)) note_spec(changed->spec);
    if (const auto* answer = std::get_if<core::DeviceSampled>(&event)) {
        const core::Device* device = engine_.devices().find_device(answer->device);
        const bool is_open = device->is_asked && device->sequence == answer->sequence;
        if (is_open) memory_.on_answer(*answer, engine_);
    }
    note_promise(event);
    core::Commands commands;
    names_.note(event);
    const bool is_told = story_limit_ > 0;
    if (is_told && !std::holds_alternative<core::TimePassed>(event))
        write_down(recording::to_text(event, names_));
    ledger_.observe(event, now_);
    const bool is_claim_due = will_claim(event);
    handle(event, commands);
    if (is_claim_due) check_claimed(std::get<core::JobsReady>(event), commands);
    if (is_told) write_down(commands);
    ledger_.note_held(engine_);
    ledger_.observe(commands, now_);
    engine_.check_invariants();
    coverage_.count(commands);
    count_copies(commands);
    if (const auto forgotten = memory_.find_forgotten(engine_, now_)) fail(*forgotten);
    if (const auto& broken = ledger_.violation()) fail(*broken);
    if (is_traced_) trace_hash_ = (trace_hash_ ^ engine_.hash()) * 0x100000001b3;
    carry_out(commands);
}

void Simulation::note_promise(const core::Event& event) {
    std::visit(
        [this](const auto& e) {
            if constexpr (requires { e.timeout; }) promised_[e.request] = now_ + e.timeout;
        },
        event);
}

void Simulation::handle(const core::Event& event, core::Commands& commands) {
    if (writer_) return writer_->handle(engine_, event, now_, commands);
    engine_.handle(event, now_, commands);
}

void Simulation::record() {
    odds_.spare(Fault::daemon_dies);  // the next one would begin another recording
    writer_.emplace(recording::Head{.version = std::string{base::version()},
                                    .commit = std::string{base::commit()},
                                    .begun_unix_s = 0,
                                    .origin = {.models = specs_, .devices = settings_}});
}

std::string Simulation::take_recording() {
    if (!writer_) return {};
    writer_->end(recording::RecordingEnd::stopped);
    return std::move(writer_->pending());
}

// Copies of `copies = "auto"` come while they are wanted.
void Simulation::count_copies(const core::Commands& commands) {
    for (const core::Command& command : commands) {
        const auto* launch = std::get_if<core::Launch>(&command);
        if (launch == nullptr || !launch->device || !specs_[launch->model.value - 1].copies.is_auto)
            continue;
        if (engine_.view(launch->model).copies > 0) coverage_.count("one more copy");
    }
}

void Simulation::place(const core::Launch& placed) {
    const core::Device& device = *engine_.devices().find_device(placed.device);
    memory_.launch(placed, specs_[placed.model.value - 1],
                   *device.ledger.find_claim(placed.generation));
}

void Simulation::carry_out(const core::Commands& commands) {
    const auto worker = [&](Generation generation) -> FakeWorker& {
        return workers_.at(generation);
    };
    const auto make_of = [&](DeviceId id) { return engine_.devices().device(id).spec.make; };
    for (const core::Command& command : commands) {
        std::visit(base::Overloaded{
                       [&](const core::SampleDevice& c) { memory_.ask(c, now_); },
                       [&](const core::Launch& c) {
                           if (c.device) place(c);
                           workers_.try_emplace(c.generation, c.generation,
                                                specs_[c.model.value - 1], hooks_, !c.device);
                       },
                       [&](const core::Assign& c) {
                           place({c.model, c.generation, c.device});
                       },
                       [&](const core::Load& c) { worker(c.generation).load(); },
                       [&](const core::Offload& c) { worker(c.generation).offload(); },
                       [&](const core::Restore& c) { worker(c.generation).restore(); },
                       [&](const core::Dispatch& c) { worker(c.generation).dispatch(c.request); },
                       [&](const core::Recall& c) { worker(c.generation).recall(c.request); },
                       [&](const core::Cancel& c) { worker(c.generation).cancel(c.request); },
                       [&](const core::Stop& c) { worker(c.generation).stop(); },
                       [&](const core::Terminate& c) { worker(c.generation).terminate(); },
                       [&](const core::Kill& c) { worker(c.generation).kill(); },
                       [&](const core::RememberPeak& c) {
                           store_.remember({c.model, make_of(c.device)}, c.bytes, now_);
                       },
                       [&](const core::ForgetPeaks& c) {
                           store_.forget({c.model, make_of(c.device)}, now_);
                       },
                       [&](const core::Report& c) { on_report(c); },
                       [&](const auto& c) { order(c); },
                   },
                   command);
    }
}

// As the daemon does: what was recycled is loaded again where there is room.
void Simulation::on_report(const core::Report& report) {
    if (report.code != core::EventCode::model_recycled) return;
    coverage_.count(report.bytes ? "recycled for growth" : "recycled for runs");
    schedule(0ms, core::LoadAsked{RequestId{++last_request_}, report.model, 10s, false});
}

void Simulation::fail(const std::string& sentence) {
    if (violation_) return;
    violation_ = fmt::format("at {} ms, event {}: {}", (now_.time_since_epoch() - 1h) / 1ms,
                             event_count_, sentence);
    violated_at_ = event_count_;
    if (story_limit_ > 0) write_down("!! " + sentence);
    story_limit_ = 0;
}

std::vector<std::string> Simulation::cast() const {
    std::vector<std::string> lines;
    for (const core::DeviceSpec& device : settings_.known) {
        const DeviceId id{lines.size() + 1};
        lines.push_back(recording::to_text(core::DeviceFound{id, device}, names_));
    }
    lines.push_back(fmt::format(
        "headroom {}, settle_timeout {} ms, answer_timeout {} ms, on_unknown_memory {}",
        to_text(settings_.headroom), settings_.settle_timeout / 1ms, settings_.answer_timeout / 1ms,
        settings_.on_unknown_memory == core::UnknownMemory::refuse ? "refuse" : "admit"));
    for (const core::ModelSpec& spec : specs_) {
        lines.push_back(recording::to_text(core::ModelConfigured{spec, false}, names_));
    }
    return lines;
}

void Simulation::write_down(const std::string& line) {
    const auto us = (now_.time_since_epoch() - 1h) / 1us;
    story_.push_back(fmt::format("{:>8}.{:03} ms  {}", us / 1000, us % 1000, line));
    if (story_.size() > story_limit_) story_.pop_front();
}

void Simulation::write_down(const core::Commands& commands) {
    for (const core::Command& command : commands) {
        write_down("    -> " + recording::to_text(command, names_));
    }
}

}  // namespace windlass::simulation
