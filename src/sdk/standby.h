// A process on standby has imported its model before anybody knows which GPU it is for.
#pragma once

#include <string>

namespace windlass::sdk {

// The daemon started this process ahead of its load.
bool is_on_standby();

// From now on this process shows CUDA and ROCm this GPU only; empty: none.
void see_only(const std::string& uuid);

}  // namespace windlass::sdk
