// Who a process is, beyond its number, which is given away again: when it began, and since which
// start of the machine. Reads /proc. Thread: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace windlass::io {

struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  // since boot; field 22 of /proc/PID/stat, proc(5)

    friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

// None: there is no such process. One that is dead and not reaped still has its identity.
std::optional<ProcessIdentity> find_identity(pid_t pid);

// False for another process under the same number, and for one that is dead but not reaped.
bool is_running(const ProcessIdentity& identity);

// Names the space in which the numbers of processes mean something to this one: the start of the
// machine, and the PID namespace. Empty where /proc does not say.
std::string pid_space();

}  // namespace windlass::io
