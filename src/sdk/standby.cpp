// The environment is read and written in the main thread, which calls the hooks.
#include "sdk/standby.h"

#include <cstdlib>

namespace windlass::sdk {

bool is_on_standby() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes this one
    return std::getenv("WINDLASS_STANDBY") != nullptr;
}

void see_only(const std::string& uuid) {
    for (const char* name : {"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"}) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): what `start` left running may not read it now
        ::setenv(name, uuid.c_str(), 1);
    }
}

}  // namespace windlass::sdk
