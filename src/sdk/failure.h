// What a model reports or throws, as an error that fits the worker protocol.
#pragma once

#include "base/error.h"
#include "windlass/worker.h"

namespace windlass::sdk {

base::Error to_error(worker::Error error);

// Inside a handler: of the exception that it caught.
base::Error describe_current_exception();

}  // namespace windlass::sdk
