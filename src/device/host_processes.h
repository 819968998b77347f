// The processes of all driver hosts, the abandoned ones too, until each was reaped. Thread: the
// loop's, which must be the main thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device/driver_host.h"
#include "io/file_descriptor.h"
#include "io/process.h"

namespace windlass::device {

class HostProcesses {
  public:
    // Run as `executable driver-host ...` with this environment (NAME=value).
    HostProcesses(io::Loop& loop, std::string executable, std::vector<std::string> environment)
        : loop_(loop), executable_(std::move(executable)), environment_(std::move(environment)) {}

    struct Started {
        std::uint64_t number = 0;  // names the process here; never used twice
        pid_t pid = 0;
        io::FileDescriptor channel;
    };
    // `on_exit` comes once from the loop with how it ended, unless it was abandoned before.
    // `order.parent_pid` is filled in.
    base::Result<Started> start(DriverHostOrder order,
                                std::function<void(const io::ExitStatus&)> on_exit);

    // Kills it, and waits for nothing: one that hangs in the kernel dies when it can.
    void abandon(std::uint64_t number);

    bool has(std::uint64_t number) const { return processes_.contains(number); }

    // At the daemon's end: kills all and waits for them together, `limit` at most. What hangs in
    // the kernel is left to die later.
    void finish(base::Duration limit);

  private:
    struct Entry {
        std::unique_ptr<io::Process> process;
        std::function<void(const io::ExitStatus&)> on_exit;  // empty: abandoned
    };

    void reap(std::uint64_t number);

    io::Loop& loop_;
    std::string executable_;
    std::vector<std::string> environment_;
    std::map<std::uint64_t, Entry> processes_;
    std::uint64_t last_ = 0;
};

}  // namespace windlass::device
