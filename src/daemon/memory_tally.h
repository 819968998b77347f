// How much memory devices, processes, workers and models have, and the most that they had: out of
// samples that are taken anyway, and of what workers say of their allocators. For people; nothing
// is decided by it, and it asks no device. Thread: main.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "core/ids.h"
#include "device/device.h"
#include "http/device_status.h"
#include "http/memory_status.h"
#include "worker/event.h"

namespace windlass::daemon {

class MemoryTally {
  public:
    void note(const device::Event& event);
    void note(const worker::Event& event);
    void note(const worker::Answered& answered);

    struct Worker {
        core::Generation generation;
        core::ModelId model;
        int pid = 0;
        std::string uuid;  // of its device
    };
    // It is counted until remove(). One that is there already has got another device.
    void add(Worker worker);
    void remove(core::Generation generation);

    // What the ledger of that device says.
    void claim(core::Generation generation, const std::string& uuid, base::Bytes bytes);
    void claim_all(const std::string& uuid, base::Bytes bytes, base::Instant now);

    http::MemoryStatus of(core::Generation generation) const;
    // All workers of it together: absent where that of one is not known. The most is that at one
    // time, since the daemon's start.
    http::MemoryStatus of(core::ModelId model) const;
    // Adds the most of each device and of each process on it.
    void add_to(http::DevicesStatus& status, base::Instant now) const;

  private:
    struct Peak {
        std::optional<base::Bytes> bytes;  // none: never seen
        base::Instant at{};
        std::string source;

        void raise(base::Bytes seen, base::Instant when, const std::string& by);
        std::optional<http::Measured> show(base::Instant now) const;
    };
    struct Device {
        Peak used;
        Peak claimed;
        std::map<int, Peak> processes;  // of the last sample
    };
    struct Counted {
        Worker who;
        http::MemoryStatus memory = {};
    };
    using Kind = http::Amount http::MemoryStatus::*;

    void sample(const device::Sample& sample);
    void forget_used(const std::string& uuid);
    void set(Counted& worker, Kind kind, std::optional<base::Bytes> bytes);
    void set_allocator(std::uint64_t generation, std::optional<base::Bytes> bytes,
                       std::optional<base::Bytes> peak = {});
    void sum_up(core::ModelId model, Kind kind);

    std::map<std::string, Device> devices_;
    std::map<core::Generation, Counted> workers_;
    std::map<core::ModelId, http::MemoryStatus> models_;
};

}  // namespace windlass::daemon
