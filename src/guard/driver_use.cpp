// Before cuInit(), cuCtxGetCurrent() answers so; by the documentation of the driver API.
#include "guard/driver_use.h"

#include "driver_abi/cuda_symbols.h"
#include "guard/library.h"

namespace windlass::guard {

bool has_used_cuda() {
    const std::optional<Library> driver = Library::find_open("libcuda.so.1");
    if (!driver) return false;
    auto* const get_context = driver->find(driver_abi::cuCtxGetCurrent);
    driver_abi::CuContext context{};
    return get_context == nullptr || get_context(&context) != driver_abi::CuResult::not_initialized;
}

}  // namespace windlass::guard
