// How an error ends a command.
#pragma once

#include <windlass/client.h>

#include "base/error.h"
#include "cli/commands.h"

namespace windlass::cli {

// The exit code of the error's type; for people on stderr, as JSON on stdout.
CommandOutcome failed(const Failure& failure, bool json);
CommandOutcome failed(const base::Error& error, bool json);

}  // namespace windlass::cli
