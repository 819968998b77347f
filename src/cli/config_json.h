// JSON of `windlass config`.
#pragma once

#include <string>

#include "daemon/configuration.h"

namespace windlass::cli {

std::string check_json(const std::string& file, const daemon::LoadedConfiguration& loaded);
std::string keys_json();

}  // namespace windlass::cli
