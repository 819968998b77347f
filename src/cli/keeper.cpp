// The hidden `windlass keeper`: see worker/keeper.h.
#include "worker/keeper.h"
#include "cli/commands.h"

namespace windlass::cli {

int run_keeper() { return worker::run_keeper(); }

}  // namespace windlass::cli
