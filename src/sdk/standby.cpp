// The environment is read and written in the main thread, which calls the hooks.
#include "sdk/standby.h"

#include <cstdlib>

#include "wire/device_uuid.h"

namespace windlass::sdk {

bool is_on_standby() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes this one
    return std::getenv("WINDLASS_STANDBY") != nullptr;
}

void see_only(const std::string& uuid) {
    const wire::VisibleDevices visible = wire::divide(uuid);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): what `start` left running may not read it now
    ::setenv("CUDA_VISIBLE_DEVICES", visible.cuda.c_str(), 1);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nor this one
    ::setenv("ROCR_VISIBLE_DEVICES", visible.rocr.c_str(), 1);
}

}  // namespace windlass::sdk
