// Processes that are started ahead of their load: their import is over when somebody needs the
// model. They are on no device, hold no claim, and nobody waits for them; what goes wrong with them
// counts against no load.
#include <fmt/core.h>

#include <algorithm>

#include "core/engine.h"

namespace windlass::core {

using base::Errc;
using enum Residency;

// Ends those that are too many or too old, and starts the next. One at a time, and none beside a
// load, which would have to share the processor with it.
void Engine::keep_standbys(Model& model, Instant now, Commands& out) {
    const std::size_t wanted = is_closing(model) ? 0 : model.spec.standby;
    std::size_t kept = 0;
    for (Replica& replica : model.standbys) {
        if (replica.residency() != standby) continue;
        if (!model.is_retired(replica) && kept < wanted) {
            ++kept;
        } else {
            replica.stop(StopCause::wanted, StopStep::asked, now, out);
        }
    }
    const auto process_count =
        static_cast<std::size_t>(std::ranges::count_if(model.standbys, &Replica::has_process));
    if (process_count < wanted && may_stand_by(model)) stand_by(model, now, out);
    for (std::uint32_t place = 0; place < model.standbys.size(); ++place) {
        arm_replica_timers({model.id, ReplicaId::kFirstStandby + place});
    }
    while (!model.standbys.empty() && model.standbys.back().residency() == cold) {
        model.standbys.pop_back();
    }
}

void Engine::stand_by(Model& model, Instant now, Commands& out) {
    auto place = std::ranges::find(model.standbys, cold, &Replica::residency);
    if (place == model.standbys.end()) {
        place = model.standbys.insert(place, Replica{model.id});
    }
    const auto number = static_cast<std::uint32_t>(place - model.standbys.begin());
    const Generation generation{++last_generation_};
    generations_.emplace(generation, ReplicaId{model.id, ReplicaId::kFirstStandby + number});
    place->stand_by({model.id, generation, {}}, model.spec, now, out);
}

// Some device may be there again.
void Engine::keep_all_standbys(Instant now, Commands& out) {
    for (const Model& model : models_) {
        if (model.spec.standby > 0) advance(model.id, now, out);
    }
}

bool Engine::may_stand_by(const Model& model) const {
    const bool is_starting = std::ranges::any_of(model.replicas,
                                                 [](const Replica& replica) {
                                                     return replica.residency() == loading;
                                                 }) ||
                             std::ranges::any_of(model.standbys, [](const Replica& replica) {
                                 return replica.residency() == standby && !replica.said_hello();
                             });
    return !is_starting && !model.is_standby_refused &&
           !deadlines_.find({TimerKind::standby, model.id.value}) &&
           model.unkillable.empty() &&  // its next one would most likely hang as well
           devices_.has_answering(model.spec.devices);
}

void Engine::on_standby_limit(ReplicaId id, Instant now, Commands& out) {
    const ModelSpec& spec = model_of(id.model).spec;
    fail_standby(id,
                 base::fail(Errc::timeout,
                            fmt::format("the process of the model {} that is to stand by did not "
                                        "come up within its start_timeout of {}",
                                        spec.name, base::to_text(spec.limits.start_timeout))),
                 StopStep::terminated, now, out);
}

void Engine::fail_standby(ReplicaId id, const Error& error, StopStep first, Instant now,
                          Commands& out) {
    pause_standbys(id, error, now, out);
    replica_of(id).stop(StopCause::wanted, first, now, out);
    advance(id.model, now, out);
}

void Engine::pause_standbys(ReplicaId id, const Error& error, Instant now, Commands& out) {
    Model& model = model_of(id.model);
    const Generation generation = replica_of(id).generation();
    out.push_back(Report{EventCode::model_standby_failed, id.model, generation, {}, error});
    const Duration pause =
        model.standby_backoff.on_failure(model.spec.backoff, model.spec.backoff_max);
    deadlines_.arm({TimerKind::standby, id.model.value}, saturating_add(now, pause));
}

Error Engine::bound_error(const Model& model) {
    return base::fail(
        Errc::unsupported,
        fmt::format("the import of the model {} uses the GPU's driver, so that no process of it "
                    "can stand by; ask for devices in `load` or later, or set `standby = 0`",
                    model.spec.name));
}

// Which device it sees is settled. Who waits gets a process of his own.
void Engine::refuse_standby(ReplicaId id, const Error& error, Instant now, Commands& out) {
    Replica& replica = replica_of(id);
    model_of(id.model).is_standby_refused = true;
    out.push_back(
        Report{EventCode::model_standby_failed, id.model, replica.generation(), {}, error});
    replica.stop(StopCause::wanted, StopStep::asked, now, out);
    advance(id.model, now, out);
}

// What kept them from standing by may have been mended.
void Engine::forgive_standbys(Model& model) {
    model.is_standby_refused = false;
    model.standby_backoff.reset();
    deadlines_.disarm({TimerKind::standby, model.id.value});
}

}  // namespace windlass::core
