// Leases on the raw memory of a device, for clients who use it in processes of their own. The claim
// is held by a generation, and goes the way of a process's: it is released when an answer of the
// device shows the bytes gone, and what is not back in time is fenced. Nobody makes room for a
// lease, nothing is kept for it, and its wait has an end: so it holds up nobody who waits.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/engine.h"

namespace windlass::core {

using base::Errc;

namespace {

Need need_of(const MemoryLease& lease) { return {.kind = NeedKind::bytes, .bytes = lease.bytes}; }

}  // namespace

// Where bytes are proved to be back by nothing but a driver's numbers: not on the CPU, whose proof
// is that a worker of ours was reaped.
bool Engine::may_lend(const MemoryLease& lease, const Device& device) const {
    return devices_.is_eligible(lease.devices, device) && device.spec.kind == DeviceKind::gpu;
}

void Engine::on(const LeaseAsked& event, Instant now, Commands& out) {
    WL_ASSERT(!calls_.contains(event.request) && !admins_.contains(event.request));
    const MemoryLease lease{.bytes = event.bytes,
                            .devices = event.devices,
                            .duration = event.duration,
                            .place = ++last_starving_place_};
    const bool is_new = leases_.emplace(event.request, lease).second;
    WL_ASSERT(is_new);
    waiting_leases_.emplace(lease.place, event.request);
    if (shutting_down_) return refuse_lease(event.request, shutdown_error(), out);
    deadlines_.arm({TimerKind::call_deadline, event.request.value},
                   saturating_add(now, event.wait));
    try_lease(event.request, now, out);
    arm_device_timers();
}

void Engine::on(const LeaseReturned& event, Instant now, Commands& out) {
    const auto lease = leases_.find(event.request);
    if (lease == leases_.end() || !lease->second.generation) return;
    close_lease(event.request, std::nullopt, now, out);
}

// --- while it waits

// Of this device it may have nothing while somebody waits who may use it and began to do so
// earlier, and nothing that is kept for anybody.
Bytes Engine::kept_from(const MemoryLease& lease, const Candidate& candidate) const {
    const Device& device = devices_.device(candidate.device);
    Bytes kept;
    for (const auto& [place, id] : starving_) {
        const Model& model = model_of(id);
        const bool is_earlier =
            place < lease.place && devices_.is_eligible(model.spec.devices, device);
        if (is_earlier) return candidate.ledger->usable().value_or(Bytes{});
        const std::optional<Promise>& promise = model.promise;
        if (promise && promise->device == candidate.device) kept = kept + promise->bytes;
    }
    return kept;
}

void Engine::try_lease(RequestId request, Instant now, Commands& out) {
    MemoryLease& lease = leases_.at(request);
    Devices::Choice choice = devices_.candidates(lease.devices, need_of(lease), now, out);
    const bool has_other = std::erase_if(choice.candidates, [&](const Candidate& candidate) {
                               return !may_lend(lease, devices_.device(candidate.device));
                           }) > 0;
    if (choice.candidates.empty() && has_other && !choice.is_incomplete) {
        return refuse_lease(
            request,
            base::fail(Errc::unsupported,
                       "memory of the CPU is not leased, because no driver could show that it is "
                       "back; ask for a GPU, or give the program a memory limit of its own"),
            out);
    }
    for (Candidate& candidate : choice.candidates) candidate.promised = kept_from(lease, candidate);
    if (choice.is_waiting) {
        if (!lease.shortage) lease.shortage = Shortage{.required = lease.bytes, .available = {}};
        return;
    }
    // Where nobody knows how full it is nothing could be proved later, whatever the policy says.
    const Placement placement = place(need_of(lease), choice.candidates, UnknownMemory::refuse);
    if (const auto* placed = std::get_if<Placed>(&placement)) {
        return grant_lease(request, *placed, now, out);
    }
    Shortage& shortage = lease.shortage.emplace(std::get<Shortage>(placement));
    shortage.is_for_ever = shortage.is_for_ever && !choice.is_incomplete;
    shortage.is_unknown = shortage.is_unknown && !choice.is_incomplete;
    if (shortage.is_for_ever || shortage.is_unknown) {
        refuse_lease(request, lease_error(lease), out);
    }
}

// Those that began to wait between these two places.
void Engine::try_leases(std::uint64_t from, std::uint64_t to, Instant now, Commands& out) {
    if (waiting_leases_.empty()) return;
    const std::map<std::uint64_t, RequestId> waiting{waiting_leases_.lower_bound(from),
                                                     waiting_leases_.lower_bound(to)};
    for (const auto& [place, request] : waiting) try_lease(request, now, out);
}

WaitReason Engine::lease_wait_reason(const MemoryLease& lease) const {
    const bool is_answering = std::ranges::any_of(devices_.all(), [&](const auto& entry) {
        return may_lend(lease, entry.second) && entry.second.is_answering();
    });
    return is_answering ? WaitReason::memory : WaitReason::device;
}

// --- its one answer

void Engine::grant_lease(RequestId request, const Placed& placed, Instant now, Commands& out) {
    MemoryLease& lease = leases_.at(request);
    waiting_leases_.erase(lease.place);
    lease.shortage.reset();
    lease.generation = Generation{++last_generation_};
    lease.device = placed.device;
    devices_.lend(lease.generation, placed, now, out);
    deadlines_.disarm({TimerKind::call_deadline, request.value});
    deadlines_.arm({TimerKind::lease_end, request.value}, saturating_add(now, lease.duration));
    out.push_back(Report{.code = EventCode::lease_granted,
                         .model = {},
                         .generation = lease.generation,
                         .request = request,
                         .error = {},
                         .device = lease.device,
                         .bytes = lease.bytes});
    out.push_back(Respond{.request = request,
                          .model = {},
                          .generation = lease.generation,
                          .error = {},
                          .timings = {},
                          .device = lease.device});
}

void Engine::refuse_lease(RequestId request, Error error, Commands& out) {
    waiting_leases_.erase(leases_.at(request).place);
    leases_.erase(request);
    deadlines_.disarm({TimerKind::call_deadline, request.value});
    out.push_back(Respond{request, {}, {}, std::move(error), {}});
}

// --- its end

// The claim stays until the device shows the bytes gone.
void Engine::close_lease(RequestId request, std::optional<Error> error, Instant now,
                         Commands& out) {
    const auto lease = leases_.find(request);
    const Generation generation = lease->second.generation;
    out.push_back(Report{.code = EventCode::lease_ended,
                         .model = {},
                         .generation = generation,
                         .request = request,
                         .error = std::move(error),
                         .device = lease->second.device,
                         .bytes = lease->second.bytes});
    deadlines_.disarm({TimerKind::lease_end, request.value});
    leases_.erase(lease);
    depart(generation, now, out);
}

// Its client gave up or went, before the answer or after it.
void Engine::withdraw_lease(RequestId request, const Error& error, Instant now, Commands& out) {
    if (leases_.at(request).generation) return close_lease(request, std::nullopt, now, out);
    refuse_lease(request, error, out);
    arm_device_timers();
}

void Engine::end_lease_time(RequestId request, Instant now, Commands& out) {
    const MemoryLease& lease = leases_.at(request);
    Error error = base::fail(
        Errc::timeout,
        fmt::format("the lease of {} on the device {} ended after its {}; what its client still "
                    "holds there stays closed to others until it is back; give more time",
                    base::to_text(lease.bytes), devices_.device(lease.device).spec.uuid,
                    base::to_text(lease.duration)));
    close_lease(request, std::move(error), now, out);
}

void Engine::close_leases_on(DeviceId id, const Error& error, Instant now, Commands& out) {
    const std::map<RequestId, MemoryLease> leases = leases_;
    for (const auto& [request, lease] : leases) {
        if (lease.generation && lease.device == id) close_lease(request, error, now, out);
    }
}

void Engine::close_all_leases(Instant now, Commands& out) {
    const std::map<RequestId, MemoryLease> leases = leases_;
    for (const auto& [request, lease] : leases) {
        lease.generation ? close_lease(request, shutdown_error(), now, out)
                         : refuse_lease(request, shutdown_error(), out);
    }
}

// What a wait that ends is answered with.
Error Engine::lease_error(const MemoryLease& lease) const {
    const Shortage shortage = lease.shortage.value_or(Shortage{});
    const Device* device = devices_.find_device(shortage.device);
    if (device == nullptr || lease_wait_reason(lease) == WaitReason::device) {
        Error error = base::fail(
            Errc::unavailable,
            fmt::format("no device that a lease of {} may be on is there and answers; `windlass "
                        "devices` lists those that are",
                        base::to_text(lease.bytes)));
        error.reason = "device";
        return error;
    }
    const std::string& uuid = device->spec.uuid;
    const Bytes available = shortage.available.value_or(Bytes{});
    const bool is_behind = shortage.available && available >= lease.bytes;
    // What our own replicas hold may be free later; what others hold is out of our hands.
    const bool is_own = !shortage.is_for_ever && !shortage.is_unknown &&
                        (is_behind || available + held_by_models(*device) >= lease.bytes);
    Error error = base::fail(
        is_own ? Errc::timeout : Errc::unavailable,
        shortage.is_unknown
            ? fmt::format("the device {} does not say how full it is, so that no memory of it can "
                          "be leased; ask for another device",
                          uuid)
            : fmt::format("a lease of {} found no place on the device {}, where {} is free{}; free "
                          "memory there, ask for less or for other devices, or wait for longer",
                          base::to_text(lease.bytes), uuid,
                          shortage.available ? base::to_text(available) : "an unknown amount",
                          shortage.is_for_ever ? "; it can never fit"
                          : is_behind          ? " and models have waited for longer"
                                               : ""));
    if (!is_own) {
        error.reason = shortage.is_unknown ? "memory_unknown" : "memory";
        if (!shortage.is_for_ever) error.retry_after = std::chrono::seconds{1};
    }
    error.memory = base::MemoryShortage{.device = uuid,
                                        .required = lease.bytes,
                                        .available = shortage.available,
                                        .holders = holders_on(*device)};
    return error;
}

// --- walks

void Engine::encode_leases(StateEncoder& encoder) const {
    encoder.number(leases_.size());
    for (const auto& [request, lease] : leases_) {
        encoder.request(request);
        encoder.generation(lease.generation);
        if (lease.generation) continue;
        encoder.number(lease.bytes.count());
        encoder.number(static_cast<std::uint64_t>(lease.duration.count()));
        for (const auto& [id, device] : devices_.all()) {
            if (may_lend(lease, device)) encoder.number(id.value);
        }
        encoder.number(static_cast<std::uint64_t>(
            std::distance(starving_.begin(), starving_.lower_bound(lease.place))));
        encode_shortage(lease.shortage, encoder);
    }
    for (const auto& [place, request] : waiting_leases_) encoder.request(request);
}

void Engine::check_leases() const {
    std::size_t waiting_count = 0;
    for (const auto& [request, lease] : leases_) {
        const bool is_waiting = !lease.generation;
        if (is_waiting) ++waiting_count;
        WL_ASSERT(!shutting_down_);
        WL_ASSERT(is_waiting == lease.shortage.has_value());
        WL_ASSERT(is_waiting == waiting_leases_.contains(lease.place));
        WL_ASSERT(is_waiting ==
                  deadlines_.find({TimerKind::call_deadline, request.value}).has_value());
        WL_ASSERT(is_waiting != deadlines_.find({TimerKind::lease_end, request.value}).has_value());
        if (is_waiting) continue;
        const Claim* claim = devices_.device(lease.device).ledger.find_claim(lease.generation);
        WL_ASSERT(claim != nullptr && claim->is_lease && claim->stage == ClaimStage::loaded);
        WL_ASSERT(!devices_.device(lease.device).is_lost);
    }
    WL_ASSERT(waiting_count == waiting_leases_.size());
}

}  // namespace windlass::core
