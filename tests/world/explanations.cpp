// What people are told who ask why a request waits: whether it is so, and whether it comes.
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>

#include "world/facts.h"

namespace windlass::world {

using core::Bytes;
using core::Doing;
using core::Explanation;
using core::Holder;
using core::MemoryWait;
using core::Step;
using core::WaitReason;

namespace {

using Lie = std::optional<std::string>;

std::uint64_t number_of(Instant instant) {
    return static_cast<std::uint64_t>(instant.time_since_epoch().count());
}

class Print {  // of what something depends on
  public:
    Print& add(std::uint64_t value) {
        value_ = (value_ ^ value) * 0x9e3779b97f4a7c15;
        value_ ^= value_ >> 29;
        return *this;
    }
    std::uint64_t value() const { return value_; }

  private:
    std::uint64_t value_ = 1;
};

bool is_early(const std::optional<Instant>& at, Instant now) { return at && *at < now; }

// Nothing that is said to come has come already.
Lie find_past(const Explanation& told, Instant now) {
    const auto is_past = [&](const Holder& holder) {
        return is_early(holder.leaves_at, now) || (holder.until && holder.until->at < now);
    };
    bool is_over = (told.next && told.next->at < now) || is_early(told.wait_limit, now) ||
                   is_early(told.deadline, now) || std::ranges::any_of(told.processes, is_past);
    if (told.memory) is_over = is_over || std::ranges::any_of(told.memory->holders, is_past);
    if (!is_over) return std::nullopt;
    return "a wait is said to end at a time that is past";
}

}  // namespace

// --- what is so now

Lie Facts::find_wrong_place(const Explanation& told) const {
    const Request& request = requests.at(told.request);
    if (request.kind != RequestKind::call || !told.reason || find_run(told.request) != nullptr)
        return std::nullopt;
    std::size_t least = 0;
    std::size_t most = 0;
    for (const RequestId id : unanswered) {
        const Request& other = requests.at(id);
        const bool is_job = other.kind == RequestKind::job;
        if ((other.kind != RequestKind::call && !is_job) || other.model != request.model) continue;
        const Run* run = find_run(id);
        if (is_job && run == nullptr) {  // its place may be before all that wait
            const Job* job = jobs.find(id);
            most += job != nullptr && job->attempt > 0 ? 1 : 0;
            continue;
        }
        const bool is_before =
            std::pair{other.priority, id} < std::pair{request.priority, told.request};
        if (run != nullptr) {
            least += run->begun ? 0 : 1;
            most += run->begun ? 0 : 1;
        } else if (is_before) {
            // It may pause after an error, and is in nobody's way then.
            least += other.transient_count > 0 ? 0 : 1;
            ++most;
        }
    }
    if (told.reason == WaitReason::retrying) least = most = 0;
    if (least <= told.ahead && told.ahead <= most) return std::nullopt;
    return fmt::format("{} are said to come before a request, and {} do", told.ahead, most);
}

Lie Facts::find_wrong_limit(const Explanation& told) const {
    const Request& request = requests.at(told.request);
    if (request.kind == RequestKind::lease || request.kind == RequestKind::job) return std::nullopt;
    const bool is_waiting = request.begun_count == 0 && request.wait_deadline < request.deadline;
    const bool is_wait_told = told.wait_limit.has_value();
    const bool is_right = told.deadline == request.deadline && is_wait_told == is_waiting &&
                          (!is_waiting || told.wait_limit == request.wait_deadline);
    if (is_right) return std::nullopt;
    return "who asks until when a request may wait is told another time";
}

// Who is told what a process runs is told what has begun there, and apart what it was sent ahead.
Lie Facts::find_wrong_runs(std::span<const Holder> holders) const {
    for (const Holder& holder : holders) {
        const Process* process = find_process(holder.generation);
        const bool is_model = holder.doing != Doing::lent && holder.doing != Doing::unkillable;
        if (process == nullptr || !is_model) continue;
        std::vector<RequestId> begun, ahead;
        for (const auto& [request, run] : process->runs)
            (run.begun ? begun : ahead).push_back(request);
        if (holder.runs != begun || holder.sent_ahead != ahead)
            return "what a process is said to run, or to be sent ahead, is not what it is";
    }
    return std::nullopt;
}

// Who is said to hold memory there holds it, and nobody else does.
Lie Facts::find_wrong_holder(const MemoryWait& told) const {
    const auto find = [&](Generation generation) {
        return std::ranges::find(told.holders, generation, &Holder::generation);
    };
    for (const auto& [generation, claim] : memory.claims()) {
        if (claim.device != told.device || claim.is_covered || claim.is_returned) continue;
        const std::optional<Bytes> held = claim.held();
        if (!held || *held == Bytes{}) continue;
        if (find(generation) == told.holders.end())
            return "who asks who holds the memory is not told of one that does";
    }
    for (const Holder& holder : told.holders) {
        const bool is_claim = memory.claims().contains(holder.generation);
        const bool is_lent = std::ranges::any_of(leases, [&](const auto& entry) {
            return entry.second.generation == holder.generation;
        });
        if (holder.doing != Doing::foreign && !is_claim && !is_lent)
            return "who asks who holds the memory is told of one that has none";
        const Process* process = find_process(holder.generation);
        const bool is_running = holder.doing == Doing::running;
        if (is_running &&
            (process == nullptr || (process->runs.empty() && process->claims.empty())))
            return "a holder is said to run what it does not";
    }
    return std::nullopt;
}

// What is free and what they hold is all there is.
Lie Facts::find_wrong_sum(const MemoryWait& told) const {
    if (!told.capacity || !told.free) return std::nullopt;
    Bytes sum = told.headroom + *told.free;
    const bool is_return = told.source == core::NeedSource::returning;
    for (const Holder& holder : told.holders) {
        const bool is_own = is_return && holder.generation == told.returning;
        if (!is_own) sum = sum + holder.bytes;
    }
    const bool is_short = *told.free == Bytes{} && sum > *told.capacity;
    if (sum != *told.capacity && !is_short) {
        return fmt::format("{} are said to be free or held of the {} of a device", to_text(sum),
                           to_text(*told.capacity));
    }
    const auto free = is_return ? std::nullopt : memory.free_for_certain(told.device);
    const bool has_lease = std::ranges::any_of(leases, [&](const auto& entry) {
        return entry.second.device == told.device && !entry.second.is_ended;
    });
    if (free && !has_lease && *free != *told.free) {
        return fmt::format("{} are said to be free of a device, and {} are", to_text(*told.free),
                           to_text(*free));
    }
    if (told.required && told.missing() != above(*told.required + told.promised, *told.free))
        return "what is said to be missing is not what is";
    return std::nullopt;
}

// Who is named as one who will make room can, and may be asked to then.
Lie Facts::find_wrong_mover(ModelId waiting, const MemoryWait& told, Instant now) const {
    for (const Holder& holder : told.holders) {
        if (!holder.leaves_at) continue;
        const Process* process = find_process(holder.generation);
        const bool can_go = process != nullptr && process->is_loaded && process->device &&
                            process->model != waiting && !must_go(*process) &&
                            process->weights != Weights::leaving && !spec(process->model).is_pinned;
        if (!can_go) return "one is said to make room who cannot";
        const bool is_at_work = !process->runs.empty();
        const Instant patience_end = model(waiting).awaits_memory_since + spec(waiting).max_wait;
        if (is_at_work && *holder.leaves_at < patience_end)
            return "one at work is said to make room before the max_wait of who waits";
        if (*holder.leaves_at < now) return "one is said to make room at a time that is past";
    }
    return std::nullopt;
}

Lie Facts::find_lie(const Explanation& told, const core::Engine& engine, Instant now) const {
    const Request& request = requests.at(told.request);
    if (request.kind == RequestKind::call && told.reason != engine.wait_reason(told.request))
        return "a wait is explained by another reason than it has";
    const Run* run = find_run(told.request);
    const bool is_running = run != nullptr && run->begun;
    if (is_running && (told.started != run->started || !find_process(told.generation)))
        return "who asks where a request runs is told wrong";
    if (auto lie = find_past(told, now)) return lie;
    if (auto lie = find_wrong_place(told)) return lie;
    if (auto lie = find_wrong_limit(told)) return lie;
    if (auto lie = find_wrong_runs(told.processes)) return lie;
    const bool needs_memory = told.reason == WaitReason::memory;
    if (needs_memory && !told.memory) return "a wait for memory is explained without any";
    if (!told.memory || !told.memory->device) return std::nullopt;
    if (auto lie = find_wrong_runs(told.memory->holders)) return lie;
    if (auto lie = find_wrong_holder(*told.memory)) return lie;
    if (auto lie = find_wrong_sum(*told.memory)) return lie;
    return find_wrong_mover(told.model, *told.memory, now);
}

// --- what comes

// All that the state of a process depends on.
std::uint64_t Facts::print_of(Generation generation) const {
    const Process* process = find_process(generation);
    Print print;
    if (process == nullptr) return 0;
    const Process& p = *process;
    print.add((p.said_hello ? 1u : 0u) | (p.is_loaded ? 2u : 0u) | (p.is_deaf ? 4u : 0u) |
              (p.is_poisoned ? 8u : 0u) | (p.had_limit ? 16u : 0u) | (p.is_condemned ? 32u : 0u) |
              (p.is_retired ? 64u : 0u) | (p.is_aside ? 128u : 0u) | (p.has_failed ? 256u : 0u) |
              static_cast<unsigned>(p.weights) << 9 | (p.was_evicted ? 4096u : 0u) |
              (p.is_draining ? 8192u : 0u) | (p.stop_sent ? 1u << 14 : 0u) |
              (p.term_sent ? 1u << 15 : 0u) | (p.kill_sent ? 1u << 16 : 0u));
    print.add(p.run_count).add(number_of(p.last_end)).add(number_of(p.ready_since));
    print.add(model(p.model).touch_count);
    for (const auto& [request, run] : p.runs)
        print.add(request.value).add(run.begun ? 1 : 0).add(number_of(run.progress));
    for (const RequestId request : p.claims) print.add(request.value);
    return print.value();
}

// All that it depends on who makes room for whom.
std::uint64_t Facts::print_of_room() const {
    Print print;
    for (const auto& [generation, process] : processes) {
        print.add(generation.value).add(print_of(generation));
    }
    for (const auto& [id, model] : models) print.add(model.touch_count);
    return print.add(memory.print()).value();
}

std::uint64_t Facts::print_of(const Forecast& forecast) const {
    Print print;
    switch (forecast.change.step) {
        case Step::make_room: return print_of_room();
        case Step::ask_device:
        case Step::device_silent:
            if (!forecast.device) return 0;
            return print.add(memory.last_question(forecast.device))
                .add(memory.is_asked(forecast.device) ? 1 : 0)
                .value();
        case Step::next_try: {
            const Request& request = requests.at(forecast.request);
            print.add(request.transient_count).add(request.begun_count);
            return print.add(model(request.model).ends.size())
                .add(model(request.model).touch_count)
                .value();
        }
        case Step::fence:
        case Step::lease_end:
        case Step::start_timeout:
        case Step::load_timeout:
        case Step::offload_timeout:
        case Step::restore_timeout:
        case Step::run_timeout:
        case Step::stall_timeout:
        case Step::offload:
        case Step::unload:
        case Step::terminate:
        case Step::kill:
        case Step::give_up: return print_of(forecast.change.generation);
    }
    return 0;
}

Forecast Facts::forecast_of(const Explanation& told, const core::Change& next) const {
    Forecast forecast{.request = told.request,
                      .change = next,
                      .device = told.memory ? told.memory->device : core::DeviceId{}};
    if (told.memory) {
        for (const Holder& holder : told.memory->holders)
            if (holder.leaves_at) forecast.movers.insert(holder.generation);
    }
    forecast.print = print_of(forecast);
    return forecast;
}

Verdict Facts::judge(const Forecast& forecast, const core::Engine& engine, Instant now) const {
    if (now < forecast.change.at) return Verdict::open;
    if (!unanswered.contains(forecast.request)) return Verdict::kept;
    const bool is_same = print_of(forecast) == forecast.print;
    const auto reason = engine.wait_reason(forecast.request);
    const Generation generation = forecast.change.generation;
    switch (forecast.change.step) {
        case Step::next_try: {
            const WaitReason told =
                forecast.change.request ? WaitReason::retrying : WaitReason::backoff;
            return reason == told && is_same ? Verdict::broken : Verdict::kept;
        }
        case Step::ask_device:
        case Step::device_silent:
            return is_same && forecast.device ? Verdict::broken : Verdict::kept;
        case Step::fence: {
            const auto& claims = memory.claims();
            const auto claim = claims.find(generation);
            const bool is_dead = claim != claims.end() && claim->second.exit_after;
            const core::Device* device = engine.devices().find_device(forecast.device);
            const bool is_claimed =
                device != nullptr && device->ledger.find_claim(generation) != nullptr;
            return is_dead && is_claimed ? Verdict::broken : Verdict::kept;
        }
        case Step::lease_end: return Verdict::kept;  // looked at where leases are
        case Step::make_room:
            if (!is_same || reason != WaitReason::memory) return Verdict::kept;
            // The devices are asked first, and the host has to be asked, too.
            if (memory.is_any_asked() || memory.answered(forecast.device) <= forecast.change.at)
                return Verdict::open;
            return Verdict::broken;
        case Step::offload:
            // Whether the host has room, or how much there is to move.
            if (memory.is_any_asked() || memory.is_unsure(forecast.device, now))
                return Verdict::kept;
            return is_same ? Verdict::broken : Verdict::kept;
        case Step::start_timeout:
        case Step::load_timeout:
        case Step::offload_timeout:
        case Step::restore_timeout:
        case Step::run_timeout:
        case Step::stall_timeout:
        case Step::unload:
        case Step::terminate:
        case Step::kill:
        case Step::give_up:
            return is_same && find_process(generation) != nullptr ? Verdict::broken : Verdict::kept;
    }
    return Verdict::kept;
}

}  // namespace windlass::world
