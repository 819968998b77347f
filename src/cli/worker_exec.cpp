// The hidden `windlass worker-exec`: the shim between the daemon and a worker's program.
#include "cli/commands.h"
#include "worker/exec_shim.h"

namespace windlass::cli {

int run_worker_exec(int count, char* const* arguments) {
    return worker::exec_shim({arguments, static_cast<std::size_t>(count)});
}

}  // namespace windlass::cli
