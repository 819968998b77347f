// The words of `windlass explain`, by CLI11.
#include "cli/command_line_explain.h"

#include <CLI/CLI.hpp>

namespace windlass::cli {

ExplainCommand::ExplainCommand(CLI::App& parent)
    : app_(*parent.add_subcommand(
          "explain", "Say why a request, job or model waits, who holds the memory, what to do")) {
    app_.add_option("WHAT", arguments_.subject,
                    "A request (r17), a job (j17) or a model (big, big:fp16); without it all that "
                    "wait or are not well")
        ->type_name("");
    app_.footer(
        "Exits with 4 when that request has its answer, or there is no such model.\n\n"
        "Example:\n  windlass explain\n  windlass explain r17");
}

bool ExplainCommand::is_given() const { return app_.parsed(); }

}  // namespace windlass::cli
