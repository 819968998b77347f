// Keeps amounts and the most that they were.
#include "daemon/memory_tally.h"

#include <algorithm>
#include <utility>

#include "base/overloaded.h"

namespace windlass::daemon {
namespace {

void raise(http::Amount& amount, std::optional<base::Bytes> bytes) {
    if (bytes) amount.peak = std::max(amount.peak.value_or(base::Bytes{}), *bytes);
}

void put(http::Amount& amount, std::optional<base::Bytes> bytes) {
    amount.now = bytes;
    raise(amount, bytes);
}

}  // namespace

void MemoryTally::Peak::raise(base::Bytes seen, base::Instant when, const std::string& by) {
    if (bytes && seen <= *bytes) return;
    bytes = seen;
    at = when;
    source = by;
}

std::optional<http::Measured> MemoryTally::Peak::show(base::Instant now) const {
    return bytes ? std::optional{http::Measured{*bytes, source, now - at}} : std::nullopt;
}

// --- what the driver says

void MemoryTally::note(const device::Event& event) {
    if (const auto* sampled = std::get_if<device::DeviceSampled>(&event)) {
        sample(sampled->sample);
    } else if (const auto* changed = std::get_if<device::ConditionChanged>(&event)) {
        if (changed->now != device::Condition::sound) forget_used(changed->uuid);
    }
}

void MemoryTally::sample(const device::Sample& sample) {
    Device& device = devices_[sample.uuid];
    if (sample.used) device.used.raise(*sample.used, sample.taken_at, sample.source);
    std::map<int, Counted*> here;  // by pid
    for (auto& [generation, worker] : workers_) {
        if (worker.who.uuid == sample.uuid) here[worker.who.pid] = &worker;
    }
    std::map<int, Peak> processes;
    std::map<Counted*, std::optional<base::Bytes>> held;  // none: that of one process is not known
    for (const device::Process& process : sample.processes) {
        if (process.bytes) {
            const auto before = device.processes.find(process.pid);
            Peak& peak = processes[process.pid];
            if (before != device.processes.end()) peak = before->second;
            peak.raise(*process.bytes, sample.taken_at, sample.processes_source);
        }
        Counted* const* const owner = device::find_worker(process, here);
        if (owner == nullptr) continue;
        std::optional<base::Bytes>& sum = held.try_emplace(*owner, base::Bytes{}).first->second;
        sum = sum && process.bytes ? std::optional{*sum + *process.bytes} : std::nullopt;
    }
    device.processes = std::move(processes);
    for (const auto& [pid, worker] : here) {
        const auto found = held.find(worker);
        if (found != held.end()) {
            set(*worker, &http::MemoryStatus::used, found->second);
        } else {  // where all are listed, it has nothing
            set(*worker, &http::MemoryStatus::used,
                sample.processes_known ? std::optional{base::Bytes{}} : std::nullopt);
        }
    }
}

void MemoryTally::forget_used(const std::string& uuid) {
    for (auto& [generation, worker] : workers_) {
        if (worker.who.uuid == uuid) set(worker, &http::MemoryStatus::used, std::nullopt);
    }
}

// --- what workers say

void MemoryTally::note(const worker::Event& event) {
    std::visit(base::Overloaded{
                   [&](const worker::Answered& e) { note(e); },
                   // Nobody has told what its allocator did meanwhile.
                   [&](const worker::Loaded& e) { set_allocator(e.generation, {}); },
                   [&](const worker::Offloaded& e) { set_allocator(e.generation, e.after); },
                   [&](const worker::Restored& e) { set_allocator(e.generation, e.after); },
                   [&](const worker::OffloadFailed& e) { set_allocator(e.generation, {}); },
                   [&](const worker::RestoreFailed& e) { set_allocator(e.generation, {}); },
                   [&](const worker::Failed& e) { set_allocator(e.generation, {}); },
                   [](const auto&) {},
               },
               event);
}

void MemoryTally::note(const worker::Answered& answered) {
    set_allocator(answered.generation, answered.reserved, answered.peak);
}

// `peak`: what it had handed out at most since it was heard last.
void MemoryTally::set_allocator(std::uint64_t generation, std::optional<base::Bytes> bytes,
                                std::optional<base::Bytes> peak) {
    const auto found = workers_.find(core::Generation{generation});
    if (found == workers_.end()) return;
    if (peak) set(found->second, &http::MemoryStatus::allocator, peak);
    set(found->second, &http::MemoryStatus::allocator, bytes);
}

// --- who there is

void MemoryTally::add(Worker worker) {
    const core::Generation generation = worker.generation;
    workers_.insert_or_assign(generation, Counted{.who = std::move(worker)});
}

void MemoryTally::remove(core::Generation generation) {
    const auto found = workers_.find(generation);
    if (found == workers_.end()) return;
    const core::ModelId model = found->second.who.model;
    workers_.erase(found);
    sum_up(model, &http::MemoryStatus::claimed);
    sum_up(model, &http::MemoryStatus::used);
    sum_up(model, &http::MemoryStatus::allocator);
}

// One whose weights are in the host's memory has a claim there, too.
void MemoryTally::claim(core::Generation generation, const std::string& uuid, base::Bytes bytes) {
    const auto found = workers_.find(generation);
    if (found == workers_.end() || found->second.who.uuid != uuid) return;
    set(found->second, &http::MemoryStatus::claimed, bytes);
}

void MemoryTally::claim_all(const std::string& uuid, base::Bytes bytes, base::Instant now) {
    devices_[uuid].claimed.raise(bytes, now, "ledger");
}

void MemoryTally::set(Counted& worker, Kind kind, std::optional<base::Bytes> bytes) {
    put(worker.memory.*kind, bytes);
    sum_up(worker.who.model, kind);
}

void MemoryTally::sum_up(core::ModelId model, Kind kind) {
    std::optional<base::Bytes> sum;
    for (const auto& [generation, worker] : workers_) {
        if (worker.who.model != model) continue;
        const std::optional<base::Bytes> part = (worker.memory.*kind).now;
        if (!part) {
            sum.reset();
            break;
        }
        sum = sum.value_or(base::Bytes{}) + *part;
    }
    put(models_[model].*kind, sum);
}

// --- what is shown

http::MemoryStatus MemoryTally::of(core::Generation generation) const {
    const auto found = workers_.find(generation);
    return found == workers_.end() ? http::MemoryStatus{} : found->second.memory;
}

http::MemoryStatus MemoryTally::of(core::ModelId model) const {
    const auto found = models_.find(model);
    return found == models_.end() ? http::MemoryStatus{} : found->second;
}

void MemoryTally::add_to(http::DevicesStatus& status, base::Instant now) const {
    const auto add = [&](http::DeviceStatus& shown) {
        const auto found = devices_.find(shown.uuid);
        if (found == devices_.end()) return;
        const Device& device = found->second;
        shown.used_peak = device.used.show(now);
        shown.claimed_peak = device.claimed.show(now);
        for (http::DeviceHolder& holder : shown.holders) {
            const auto process = device.processes.find(holder.pid);
            if (process != device.processes.end()) holder.peak = process->second.show(now);
        }
    };
    for (http::DeviceStatus& device : status.devices) add(device);
    if (status.cpu) add(*status.cpu);
}

}  // namespace windlass::daemon
