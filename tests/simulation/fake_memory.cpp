// How simulated memory comes and goes.
#include "simulation/fake_memory.h"

#include <fmt/core.h>

#include <algorithm>

namespace windlass::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

Bytes draw_need(const core::ModelSpec& spec, const core::DeviceSpec& device, Random& random) {
    if (spec.need.kind == core::NeedKind::bytes) return spec.need.bytes;
    if (spec.need.kind == core::NeedKind::share && device.capacity) {
        return Bytes{device.capacity->count() / 10'000 * spec.need.permyriad};
    }
    return Bytes{(1 + random.below(3)) * kGiB};
}

}  // namespace

FakeMemory::FakeMemory(const core::DeviceSettings& settings, Random& random,
                       const WorldHooks& hooks)
    : random_(random), hooks_(hooks) {
    for (const core::DeviceSpec& spec : settings.known)
        devices_[DeviceId{devices_.size() + 1}].spec = spec;
}

Bytes FakeMemory::used(const Device& device, Instant now) const {
    Bytes sum = device.foreign;
    for (const auto& [generation, bytes] : device.own) sum = sum + bytes;
    for (const auto& [generation, left] : device.left) {
        if (left.until > now) sum = sum + left.bytes;
    }
    return sum;
}

void FakeMemory::launch(const core::Launch& order, const core::ModelSpec& spec, Bytes claim) {
    const Bytes need = draw_need(spec, devices_.at(order.device).spec, random_);
    plans_[order.generation] = {order.device, claim > Bytes{} ? std::min(need, claim) : need};
}

bool FakeMemory::take(Generation generation) {
    const Plan& plan = plans_.at(generation);
    Device& device = devices_.at(plan.device);
    const auto& capacity = device.spec.capacity;
    if (capacity && used(device, now_) + plan.need > *capacity) return false;
    device.own[generation] = plan.need;
    return true;
}

void FakeMemory::end(Generation generation, Instant now) {
    const auto plan = plans_.find(generation);
    if (plan == plans_.end()) return;
    Device& device = devices_.at(plan->second.device);
    const auto own = device.own.find(generation);
    const Bytes bytes = own == device.own.end() ? Bytes{} : own->second;
    if (own != device.own.end()) device.own.erase(own);
    plans_.erase(plan);
    if (device.spec.kind == core::DeviceKind::cpu || bytes == Bytes{}) return;
    if (hooks_.strikes(Fault::memory_never)) {
        device.left[generation] = {bytes, Instant::max()};
    } else if (hooks_.strikes(Fault::memory_late)) {
        device.left[generation] = {bytes, now + random_.between(50ms, 10s)};
    }
}

void FakeMemory::move_stranger(Device& device, Instant now) {
    const Bytes before = device.foreign;
    device.foreign = Bytes{};
    const std::uint64_t room = device.spec.capacity->count() - used(device, now).count();
    device.foreign = Bytes{random_.below(room / kGiB + 1) * kGiB};
    if (device.foreign < before) device.is_blurred = true;
}

void FakeMemory::ask(const core::SampleDevice& question, Instant now) {
    now_ = now;
    Device& device = devices_.at(question.device);
    if (device.is_lost) return;
    std::erase_if(device.left, [&](const auto& left) { return left.second.until <= now; });
    if (hooks_.strikes(Fault::stranger)) move_stranger(device, now);
    if (hooks_.strikes(Fault::device_mute)) return;  // the engine's own limit ends the wait
    if (hooks_.strikes(Fault::device_silent)) {
        return hooks_.schedule(random_.between(10ms, 600ms),
                               core::DeviceSilent{question.device, question.sequence});
    }
    core::DeviceSampled answer{
        .device = question.device, .sequence = question.sequence, .used = {}};
    if (!hooks_.strikes(Fault::memory_unknown)) answer.used = used(device, now);
    answer.own_known = !hooks_.strikes(Fault::processes_hidden);
    if (!answer.own_known) device.is_estimated = true;
    if (answer.own_known && answer.used && device.left.empty()) device.is_blurred = false;
    for (const auto& [generation, bytes] : device.own) {
        if (answer.own_known) answer.own.push_back({generation, bytes});
    }
    hooks_.schedule(random_.between(1ms, 30ms), answer);
}

void FakeMemory::heal(Instant now) {
    for (auto& [id, device] : devices_) {
        device.foreign = {};
        device.is_blurred = true;
        for (auto& [generation, left] : device.left) left.until = std::min(left.until, now);
    }
}

std::optional<std::string> FakeMemory::find_forgotten(const core::Engine& engine,
                                                      Instant now) const {
    // Who was admitted without numbers has no claim to measure what it left by.
    if (engine.devices().policy() == core::UnknownMemory::admit) return std::nullopt;
    for (const auto& [id, device] : devices_) {
        if (device.is_blurred || device.is_estimated || device.is_lost || !device.spec.is_measured)
            continue;
        const core::DeviceLedger& ledger = engine.devices().find_device(id)->ledger;
        Bytes held = ledger.fenced();
        Bytes there;
        for (const auto& [generation, claim] : ledger.claims()) {
            if (claim.stage == core::ClaimStage::departed) held = held + claim.bytes;
        }
        for (const auto& [generation, left] : device.left) {
            if (left.until > now) there = there + left.bytes;
        }
        if (there <= held + core::DeviceLedger::kTolerance) continue;
        return fmt::format("{} that the dead left on {} are neither claimed nor fenced ({} are)",
                           to_text(there), device.spec.uuid, to_text(held));
    }
    return std::nullopt;
}

}  // namespace windlass::simulation
