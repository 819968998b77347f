// The hidden `windlass driver-host`: see device/driver_host.h.
#include "device/driver_host.h"

#include "cli/commands.h"

namespace windlass::cli {

int run_driver_host(int count, char* const* arguments) {
    return device::run_driver_host({arguments, static_cast<std::size_t>(count)});
}

}  // namespace windlass::cli
