// Errors of a daemon, or of talking to it, to words and exit codes.
#include "cli/failure_text.h"

#include <fmt/core.h>

#include "cli/body_text.h"
#include "cli/model_text.h"
#include "cli/output_json.h"

namespace windlass::cli {

CommandOutcome failed(const Failure& failure, bool json) {
    if (json) return {.exit_code = failure.exit_code, .out = error_json(failure)};
    std::string text =
        fmt::format("windlass: {}: {}", failure.type, several_lines(failure.message));
    if (failure.retry_after_s)
        text += fmt::format(" (try again in {})", rough_time(*failure.retry_after_s));
    if (!failure.request_id.empty())
        text += fmt::format(" [request {}]", one_line(failure.request_id));
    text += '\n';
    if (!failure.traceback.empty()) {
        text += several_lines(failure.traceback);
        if (!text.ends_with('\n')) text += '\n';
    }
    return {.exit_code = failure.exit_code, .err = text};
}

CommandOutcome failed(const base::Error& error, bool json) {
    const base::ErrorTraits& traits = base::traits(error.code);
    return failed(Failure{.type = std::string{traits.name},
                          .message = error.message,
                          .reason = error.reason,
                          .exit_code = traits.exit_code},
                  json);
}

}  // namespace windlass::cli
