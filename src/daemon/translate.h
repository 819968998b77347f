// The one place that knows the structs of more than one floor: configuration, HTTP, workers, core.
// Pure functions; no decisions.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "core/engine.h"
#include "daemon/configuration.h"
#include "http/api.h"
#include "worker/event.h"
#include "worker/supervisor.h"

namespace windlass::daemon {

core::ModelSpec to_spec(const ModelConfiguration& model);
// Without devices: they are found.
core::DeviceSettings to_settings(const DevicesConfiguration& devices);

// `package` is the directory that holds the Python package `windlass`; empty when there is none.
worker::LaunchOrder to_launch_order(const ModelConfiguration& model, core::Generation generation,
                                    const std::string& package, const Environment& environment);

// What the engine must hear of a worker's event; empty for what only people read.
std::optional<core::Event> to_event(const worker::Event& event);

http::ModelStatus to_status(const ModelConfiguration& model, const core::ModelView& view,
                            std::optional<int> pid, core::Instant now);
// What copies of the model are taken to need, and who says so.
void set_need(http::ModelStatus& status, const NeedConfiguration& need,
              const core::ModelView& view);
http::WaitingRequest to_waiting(const core::WaitingView& view, core::Instant now);

// "r17".
std::string to_text(core::RequestId request);

// Where the Python package lies, relative to the running program: in an installation, or in the
// source tree that it was built in. Empty when it is in neither.
std::string find_python_package(const std::string& executable);

}  // namespace windlass::daemon
