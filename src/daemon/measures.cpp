// A sample counts for a run if it was asked for after the run began, and had come when it ended.
#include "daemon/measures.h"

#include <algorithm>

#include "base/overloaded.h"
#include "daemon/translate.h"

namespace windlass::daemon {

void Measures::note(const device::Event& event) {
    if (const auto* sampled = std::get_if<device::DeviceSampled>(&event)) {
        sample(sampled->sample);
    } else if (const auto* changed = std::get_if<device::ConditionChanged>(&event)) {
        if (changed->now != device::Condition::sound) devices_[changed->uuid].free.reset();
    }
}

void Measures::sample(const device::Sample& sample) {
    Device& device = devices_[sample.uuid];
    if (sample.capacity) device.total = sample.capacity;
    device.free = sample.free;
    if (device.workers.empty()) return;
    // Of all processes of a worker; none: that of one of them is not known.
    std::map<Worker*, std::optional<base::Bytes>> held;
    for (const device::Process& process : sample.processes) {
        Worker* const* const owner = device::find_worker(process, device.workers);
        if (owner == nullptr) continue;
        std::optional<base::Bytes>& sum = held.try_emplace(*owner, base::Bytes{}).first->second;
        sum = sum && process.bytes ? std::optional{*sum + *process.bytes} : std::nullopt;
    }
    for (const auto& [worker, bytes] : held) {
        if (bytes) see(*worker, {.asked = sample.taken_at, .bytes = *bytes});
    }
}

void Measures::see(Worker& worker, Sighting sighting) {
    worker.seen = sighting;
    for (auto& [request, run] : worker.runs) {
        if (sighting.asked < run.began) continue;
        run.sampled_peak = std::max(run.sampled_peak.value_or(base::Bytes{}), sighting.bytes);
    }
}

void Measures::add(std::uint64_t generation, int pid, const std::string& uuid) {
    remove(generation);
    Device& device = devices_[uuid];
    Worker& worker = workers_[generation];
    worker = {.pid = pid, .device = &device};
    device.workers[pid] = &worker;
}

void Measures::remove(std::uint64_t generation) {
    const auto found = workers_.find(generation);
    if (found == workers_.end()) return;
    // Its pid may have a new owner already.
    std::map<int, Worker*>& there = found->second.device->workers;
    const auto by_pid = there.find(found->second.pid);
    if (by_pid != there.end() && by_pid->second == &found->second) there.erase(by_pid);
    workers_.erase(found);
}

void Measures::note(const worker::Event& event, base::Instant now) {
    std::visit(base::Overloaded{
                   [&](const worker::Started& e) { begin(e, now); },
                   [&](const worker::Failed& e) { fail(e, now); },
                   [&](const worker::Progressed& e) { progress(e, now); },
                   [&](const worker::Loaded& e) { unsettle(e.generation, now); },
                   [&](const worker::Offloaded& e) { unsettle(e.generation, now); },
                   [&](const worker::Restored& e) { unsettle(e.generation, now); },
                   [&](const worker::OffloadFailed& e) { unsettle(e.generation, now); },
                   [&](const worker::RestoreFailed& e) { unsettle(e.generation, now); },
                   [](const auto&) {},
               },
               event);
}

void Measures::begin(const worker::Started& started, base::Instant now) {
    const auto found = workers_.find(started.generation);
    if (found == workers_.end()) return;
    auto& runs = found->second.runs;
    if (runs.size() == 1) runs.begin()->second.is_shared = true;  // more than one are already
    runs.insert_or_assign(started.request, Run{.began = now,
                                               .free_before = found->second.device->free,
                                               .sampled_peak = {},
                                               .is_shared = !runs.empty()});
}

// Nobody has told what its allocator did meanwhile.
void Measures::unsettle(std::uint64_t generation, base::Instant now) {
    const auto found = workers_.find(generation);
    if (found != workers_.end()) found->second.steady_since = now;
}

void Measures::fail(const worker::Failed& failed, base::Instant now) {
    unsettle(failed.generation, now);
    const auto found = workers_.find(failed.generation);
    if (found != workers_.end()) found->second.runs.erase(failed.request);
}

void Measures::progress(const worker::Progressed& progressed, base::Instant now) {
    const auto found = workers_.find(progressed.generation);
    if (found == workers_.end()) return;
    const auto run = found->second.runs.find(progressed.request);
    if (run == found->second.runs.end()) return;
    run->second.progress = progressed;
    run->second.progressed = now;
}

http::RunStatus Measures::show(std::uint64_t generation, std::uint64_t request,
                               base::Instant now) const {
    http::RunStatus status{.request = to_text(core::RequestId{request})};
    const auto found = workers_.find(generation);
    if (found == workers_.end()) return status;
    const auto found_run = found->second.runs.find(request);
    if (found_run == found->second.runs.end()) return status;
    const Run& run = found_run->second;
    status.peak = run.sampled_peak;
    status.is_shared = run.is_shared;
    const std::optional<worker::Progressed>& progress = run.progress;
    if (!progress) return status;
    status.progress = http::ProgressStatus{.request = status.request,
                                           .step = progress->step,
                                           .total = progress->total,
                                           .phase = progress->phase,
                                           .age = now - run.progressed};
    return status;
}

http::RunMemory Measures::end(const worker::Answered& answered, base::Instant now) {
    const auto found = workers_.find(answered.generation);
    if (found == workers_.end()) return {};
    Worker& worker = found->second;
    if (!answered.reserved) {
        worker.steady_since = now;
    } else if (worker.seen && worker.seen->asked >= worker.steady_since &&
               worker.seen->bytes >= *answered.reserved) {
        worker.context = worker.seen->bytes - *answered.reserved;
    }
    http::RunMemory memory{
        .total = worker.device->total, .peak = answered.peak, .context = worker.context};
    auto run = worker.runs.extract(answered.request);
    if (run.empty()) return memory;  // a second answer, which counts for nothing
    memory.free_before = run.mapped().free_before;
    if (!memory.peak) memory.peak = run.mapped().sampled_peak;
    memory.is_shared = run.mapped().is_shared;
    return memory;
}

}  // namespace windlass::daemon
