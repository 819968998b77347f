// How far an attempt says it is, as it is kept: JSON, because people may read the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/worker_status.h"
#include "worker/event.h"

namespace windlass::daemon {

std::string to_json(const worker::Progressed& progress);
// None: it is not one of ours. Its age is not known.
std::optional<http::ProgressStatus> read_progress(std::string_view json);

}  // namespace windlass::daemon
