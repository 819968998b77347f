// Before cuInit(), cuCtxGetCurrent() answers so; by the documentation of the driver API.
#include "guard/driver_use.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "driver_abi/cuda_symbols.h"
#include "guard/library.h"

namespace windlass::guard {

namespace {

// ROCm opens it when it begins, and keeps it.
bool has_opened_kfd() {
    namespace fs = std::filesystem;
    std::error_code ended;
    for (fs::directory_iterator at{"/proc/self/fd", ended};
         !ended && at != fs::directory_iterator{}; at.increment(ended)) {
        std::error_code closed;
        if (fs::read_symlink(at->path(), closed) == "/dev/kfd") return true;
    }
    return false;
}

bool has_used_cuda() {
    const std::optional<Library> driver = Library::find_open("libcuda.so.1");
    if (!driver) return false;
    auto* const get_context = driver->find(driver_abi::cuCtxGetCurrent);
    driver_abi::CuContext context{};
    return get_context == nullptr || get_context(&context) != driver_abi::CuResult::not_initialized;
}

}  // namespace

bool has_used_driver() { return has_used_cuda() || has_opened_kfd(); }

}  // namespace windlass::guard
