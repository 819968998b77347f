// `windlass --version`, help and mistakes, and which command is which.
#include "base/version.h"

#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/output_json.h"

namespace windlass::cli {

CommandOutcome run(const VersionArguments& arguments) {
    if (arguments.json) return {.out = version_json()};
    return {.out = fmt::format("windlass {} ({})\n", base::version(), base::commit())};
}

CommandOutcome run(const Printout& printout) {
    if (printout.exit_code == 0) return {.out = printout.text};
    return {.exit_code = printout.exit_code, .err = printout.text};
}

CommandOutcome run(const Command& command) {
    return std::visit([](const auto& arguments) { return run(arguments); }, command);
}

}  // namespace windlass::cli
