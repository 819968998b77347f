// The parts of `windlass call` that need no daemon.
#pragma once

#include <windlass/client.h>

#include <string>

#include "base/result.h"
#include "cli/commands.h"

namespace windlass::cli {

struct Input {
    std::string body;
    std::string content_type;
};

struct InputSource {
    std::optional<std::string> data = {};
    std::optional<std::string> file = {};  // "-": standard input
    std::optional<std::string> content_type = {};
};
// From --data, a file or standard input. Errors: not_found, permission_denied, invalid_input.
base::Result<Input> read_input(const InputSource& source);

// A body goes to the file, if there is one; else to stdout, unless that would harm a terminal.
CommandOutcome show_body(const std::string& body, std::string_view content_type,
                         const std::optional<std::string>& output, bool stdout_is_terminal);

// What is printed of an answer, or written to the file that --output names.
CommandOutcome show_answer(const CallArguments& arguments, const Answer& answer,
                           bool stdout_is_terminal);

}  // namespace windlass::cli
