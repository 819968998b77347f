// The hidden `windlass host-memory`: see worker/host_memory.h.
#include "worker/host_memory.h"

#include "cli/commands.h"

namespace windlass::cli {

int run_host_memory(int count, char* const* arguments) {
    return worker::run_host_memory({arguments, static_cast<std::size_t>(count)});
}

}  // namespace windlass::cli
