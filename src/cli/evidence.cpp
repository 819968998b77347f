// The hidden `windlass evidence`: see worker/evidence.h.
#include "worker/evidence.h"

#include "cli/commands.h"

namespace windlass::cli {

int run_evidence(int count, char* const* arguments) {
    return worker::run_evidence({arguments, static_cast<std::size_t>(count)});
}

}  // namespace windlass::cli
