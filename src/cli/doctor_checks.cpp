// The list of checks.
#include "cli/doctor_checks.h"

namespace windlass::cli {

std::span<const DoctorCheck> doctor_checks() {
    using namespace std::chrono_literals;
    // Generous: a machine with much to do is slow, and not sick. Drivers: the first answers of
    // several devices that hang. Python: heavy imports, one after another.
    static constexpr auto kChecks = std::to_array<DoctorCheck>({
        {"drivers", check_drivers, 60s},
        {"permissions", check_permissions, 20s},
        {"container", check_container, 30s},
        {"memory", check_memory, 20s},
        {"cgroups", check_cgroups, 20s},
        {"processes", check_processes, 20s},
        {"workers", check_workers, 20s},
        {"daemon", check_daemon, 30s},
        {"configuration", check_configuration, 60s},
        {"python", check_python, 120s},
        {"clock", check_clock, 20s},
        {"disk", check_disk, 20s},
    });
    return kChecks;
}

}  // namespace windlass::cli
