// `windlass serve`: hands over to the daemon.
#include "cli/commands.h"
#include "daemon/daemon.h"

namespace windlass::cli {

CommandOutcome run(const ServeArguments& arguments) {
    const daemon::ServeOptions options{
        .configuration_path = arguments.configuration,
        .overrides = {.listen = arguments.listen,
                      .log = arguments.log,
                      .state_dir = arguments.state_dir,
                      .socket = arguments.socket,
                      .access_log = arguments.access_log},
        .emulate = arguments.emulate,
        .record = {.path = arguments.record, .limit = arguments.record_limit},
    };
    return {.exit_code = daemon::serve(options)};
}

}  // namespace windlass::cli
