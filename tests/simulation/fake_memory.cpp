// How simulated memory comes and goes.
#include "simulation/fake_memory.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace windlass::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Bytes kLeakMax{std::uint64_t{16} << 20};
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

Bytes draw_need(const core::ModelSpec& spec, const core::DeviceSpec& device, Random& random) {
    if (spec.need.kind == core::NeedKind::bytes && random.chance(600)) return spec.need.bytes;
    if (spec.need.kind == core::NeedKind::bytes) {  // its configuration asks for more than it takes
        return Bytes{(1 + random.below(spec.need.bytes.count() / kGiB)) * kGiB};
    }
    if (spec.need.kind == core::NeedKind::share && device.capacity) {
        return Bytes{device.capacity->count() / 10'000 * spec.need.permyriad};
    }
    return Bytes{(1 + random.below(3)) * kGiB};
}

}  // namespace

FakeMemory::FakeMemory(const core::DeviceSettings& settings, Random& random,
                       const WorldHooks& hooks)
    : random_(random), hooks_(hooks), devices_(world::true_memory(settings)) {}

void FakeMemory::launch(const core::Launch& order, const core::ModelSpec& spec,
                        const core::Claim& claim) {
    Bytes need = draw_need(spec, devices_.at(order.device).spec, random_);
    const bool is_unknown = spec.need.kind == core::NeedKind::unknown;
    if (!is_unknown && claim.bytes > Bytes{}) need = std::min(need, claim.bytes);
    Bytes growth{is_unknown ? random_.below(3) * kGiB : 0};
    // Where processes are not told apart, only who is alone may take more in its runs.
    if (!claim.is_exclusive) need = need + std::exchange(growth, Bytes{});
    // Far less than what a dead process may leave without being missed.
    const std::uint64_t leak = spec.max_growth ? 1 + order.generation.value % 2 : 0;
    plans_[order.generation] = {order.device, need, growth, Bytes{leak << 21}, {}};
}

bool FakeMemory::take(Generation generation) {
    const Plan& plan = plans_.at(generation);
    world::TrueDevice& device = devices_.at(plan.device);
    const auto& capacity = device.spec.capacity;
    if (capacity && device.used(now_) + plan.need > *capacity) return false;
    device.own[generation] = device.own[generation] + plan.need;
    return true;
}

bool FakeMemory::grow(Generation generation) {
    const auto plan = plans_.find(generation);
    if (plan == plans_.end()) return true;
    leak(generation, plan->second);
    if (plan->second.growth == Bytes{}) return true;
    plan->second.need = std::exchange(plan->second.growth, Bytes{});
    return take(generation);
}

void FakeMemory::leak(Generation generation, Plan& plan) {
    world::TrueDevice& device = devices_.at(plan.device);
    const auto& capacity = device.spec.capacity;
    if (plan.leak == Bytes{} || plan.leaked >= kLeakMax) return;
    if (capacity && device.used(now_) + plan.leak > *capacity) return;
    plan.leaked = plan.leaked + plan.leak;
    device.own[generation] = device.own[generation] + plan.leak;
}

void FakeMemory::leave(Generation generation) {
    world::TrueDevice& device = devices_.at(plans_.at(generation).device);
    Bytes& mine = device.own[generation];
    away_[generation] = mine;
    for (auto& [id, other] : devices_) {
        if (other.spec.kind == core::DeviceKind::cpu) other.own[generation] = mine;
    }
    mine = Bytes{mine.count() / 16};
}

bool FakeMemory::come_back(Generation generation) {
    world::TrueDevice& device = devices_.at(plans_.at(generation).device);
    const Bytes all = away_.at(generation);
    const Bytes rest = device.used(now_) - device.own[generation];
    if (device.spec.capacity && rest + all > *device.spec.capacity) return false;
    device.own[generation] = all;
    forget_host(generation);
    return true;
}

void FakeMemory::forget_host(Generation generation) {
    const auto plan = plans_.find(generation);
    for (auto& [id, device] : devices_) {
        const bool is_guest = plan != plans_.end() && plan->second.device != id;
        if (device.spec.kind == core::DeviceKind::cpu && is_guest) device.own.erase(generation);
    }
}

void FakeMemory::end(Generation generation, const core::Engine& engine, Instant now) {
    const auto plan = plans_.find(generation);
    if (plan == plans_.end()) return;
    forget_host(generation);
    const DeviceId id = plan->second.device;
    plans_.erase(plan);
    world::TrueDevice& device = devices_.at(id);
    Instant until{};
    if (device.spec.kind == core::DeviceKind::gpu && device.own.contains(generation)) {
        if (hooks_.strikes(Fault::memory_never)) {
            until = Instant::max();
        } else if (hooks_.strikes(Fault::memory_late)) {
            until = now + random_.between(50ms, 10s);
        }
    }
    device.end(engine, id, generation, until);
}

void FakeMemory::move_stranger(world::TrueDevice& device, Instant now) {
    const std::uint64_t others = device.used(now).count() - device.foreign.count();
    const std::uint64_t room = device.spec.capacity->count() - others;
    device.set_foreign(Bytes{random_.below(room / kGiB + 1) * kGiB});
}

void FakeMemory::ask(const core::SampleDevice& question, Instant now) {
    now_ = now;
    world::TrueDevice& device = devices_.at(question.device);
    if (device.is_lost) return;
    std::erase_if(device.left, [&](const auto& left) { return left.second.until <= now; });
    return_orphaned(question.device, now);
    if (hooks_.strikes(Fault::stranger)) move_stranger(device, now);
    if (hooks_.strikes(Fault::device_mute)) return;  // the engine's own limit ends the wait
    if (hooks_.strikes(Fault::device_silent)) {
        return hooks_.schedule(random_.between(10ms, 600ms),
                               core::DeviceSilent{question.device, question.sequence});
    }
    core::DeviceSampled answer{
        .device = question.device, .sequence = question.sequence, .used = {}};
    if (!hooks_.strikes(Fault::memory_unknown)) answer.used = device.used(now);
    answer.own_known = !hooks_.strikes(Fault::processes_hidden);
    // Half of the drivers tell of strangers who they are; those of the others cannot be looked at.
    if (answer.own_known && question.device.value % 2 == 1) answer.strangers = device.foreign;
    auto& clean_foreign = clean_foreign_[question.device];
    clean_foreign.reset();
    if (answer.used && device.left.empty()) clean_foreign = device.foreign;
    for (const auto& [generation, bytes] : device.own) {
        if (answer.own_known) answer.own.push_back({generation, bytes});
    }
    hooks_.schedule(random_.between(1ms, 30ms), answer);
}

void FakeMemory::on_answer(const core::DeviceSampled& answer, const core::Engine& engine) {
    if (!answer.used) return;
    devices_.at(answer.device)
        .on_answer(engine, answer.device, clean_foreign_.at(answer.device), answer.own_known);
}

void FakeMemory::orphan(Instant now) {
    for (auto& [id, device] : devices_) {
        const Bytes used = device.used(now);
        const Bytes rest = used - device.foreign;
        device = {.spec = device.spec, .foreign = used};
        const bool is_gpu = device.spec.kind == core::DeviceKind::gpu;
        const bool is_late = is_gpu && hooks_.strikes(Fault::memory_late);
        orphaned_[id] = {rest, now + (is_late ? random_.between(50ms, 10s) : 0ms)};
    }
    plans_.clear();
    away_.clear();
}

void FakeMemory::return_orphaned(DeviceId id, Instant now) {
    const auto orphaned = orphaned_.find(id);
    if (orphaned == orphaned_.end() || orphaned->second.until > now) return;
    world::TrueDevice& device = devices_.at(id);
    device.set_foreign(device.foreign - std::min(device.foreign, orphaned->second.bytes));
    orphaned_.erase(orphaned);
}

void FakeMemory::heal(Instant now) {
    orphaned_.clear();
    for (auto& [id, device] : devices_) {
        device.set_foreign({});
        for (auto& [generation, left] : device.left) left.until = std::min(left.until, now);
    }
}

}  // namespace windlass::simulation
