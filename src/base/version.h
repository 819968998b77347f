// Which Windlass this is.
#pragma once

#include <string_view>

namespace windlass::base {

std::string_view version();  // "0.1.0"
std::string_view commit();   // short hash of the sources, with "-dirty" when changed; or "unknown"

}  // namespace windlass::base
