// What the answer to a run tells of memory, out of samples that are taken anyway and of what
// workers say of their allocators: it asks no device. Thread: main.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/bytes.h"
#include "base/time.h"
#include "device/device.h"
#include "http/api.h"
#include "worker/event.h"

namespace windlass::daemon {

class Measures {
  public:
    // What happens to devices, and to workers but for answers, as soon as it is known.
    void note(const device::Event& event);
    void note(const worker::Event& event, base::Instant now);

    // A worker's process on that device; it is measured until remove().
    void add(std::uint64_t generation, int pid, const std::string& uuid);
    void remove(std::uint64_t generation);

    // The run is over with this.
    http::RunMemory end(const worker::Answered& answered, base::Instant now);

    // Of a run that has begun, what it said of itself and what the samples since then show.
    http::RunStatus show(std::uint64_t generation, std::uint64_t request, base::Instant now) const;

  private:
    struct Worker;
    struct Device {
        std::optional<base::Bytes> total;
        std::optional<base::Bytes> free;  // as last measured; none once it does not answer
        std::map<int, Worker*> workers;   // there, by pid
    };
    struct Run {
        base::Instant began{};
        std::optional<base::Bytes> free_before;
        std::optional<base::Bytes> sampled_peak;  // the most of the samples that were taken in it
        bool is_shared = false;
        std::optional<worker::Progressed> progress = {};
        base::Instant progressed{};
    };
    // What the driver said that the process held.
    struct Sighting {
        base::Instant asked{};
        base::Bytes bytes;
    };
    struct Worker {
        int pid = 0;
        Device* device = nullptr;
        std::unordered_map<std::uint64_t, Run> runs;  // by request; begun and not over
        std::optional<Sighting> seen;
        // Since then its allocator has kept what it held of the device, as far as it has told.
        base::Instant steady_since{};
        std::optional<base::Bytes> context;
    };

    void sample(const device::Sample& sample);
    void see(Worker& worker, Sighting sighting);
    void begin(const worker::Started& started, base::Instant now);
    void unsettle(std::uint64_t generation, base::Instant now);
    void fail(const worker::Failed& failed, base::Instant now);
    void progress(const worker::Progressed& progressed, base::Instant now);

    std::map<std::string, Device> devices_;  // workers point into it
    std::map<std::uint64_t, Worker> workers_;
};

}  // namespace windlass::daemon
