// The CPU as a device: its capacity is the memory that this process may have, by its cgroup
// (version 2 or 1) or by the machine.
#pragma once

#include <string>

#include "device/backend.h"
#include "device/process_table.h"

namespace windlass::device {

struct CpuRoots {
    std::string proc = "/proc";
    // Put before the mount points that /proc/self/mountinfo names; tests have their own tree.
    std::string mounts;
};

class CpuBackend final : public Backend {
  public:
    explicit CpuBackend(CpuRoots roots = {});

    // `free` is what can be had without swapping: pages of files count as free, as in MemAvailable,
    // and `used` is the rest. Processes: those of the sessions in the order, with their share of
    // it.
    base::Result<wire::HostSample> sample(const wire::SampleOrder& order) override;

  private:
    struct Limit {
        base::Bytes capacity;
        base::Bytes free;
        std::string source;
    };

    std::optional<Limit> find_machine_limit() const;
    std::optional<Limit> find_cgroup_limit() const;
    std::optional<Limit> find_unified_limit(const std::string& folder) const;
    std::optional<Limit> find_legacy_limit(const std::string& folder) const;

    CpuRoots roots_;
    ProcessTable processes_;
};

}  // namespace windlass::device
