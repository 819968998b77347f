// See cuda_driver.h.
#include "guard/cuda_driver.h"

#include <fmt/core.h>

#include <cstdlib>
#include <string_view>

#include "driver_abi/cuda_result_class.h"
#include "driver_abi/cuda_result_names.h"

namespace windlass::guard {

using base::Errc;
using driver_abi::CuClass;

namespace {

struct Meaning {
    Errc code;
    std::string_view advice;
};

Meaning meaning_of(CuClass kind) {
    switch (kind) {
        case CuClass::out_of_memory:
            return {Errc::out_of_memory, "free memory of the device, or ask for less"};
        case CuClass::pending:
        case CuClass::transient: return {Errc::transient, "try again later"};
        case CuClass::context_lost:
            return {Errc::context_lost, "this process can use the device no more; start a new one"};
        case CuClass::device_lost:
            return {Errc::device_lost,
                    "look for an Xid in the kernel's log before it is used again"};
        case CuClass::driver:
            return {Errc::driver_missing,
                    "check the driver, and which devices this process may see"};
        case CuClass::unsupported:
            return {Errc::unsupported, "this device or driver does not offer it"};
        case CuClass::not_permitted:
            return {Errc::permission_denied, "this user may not do that on this device"};
        case CuClass::ok:
        case CuClass::shutdown:
        case CuClass::misuse: break;
    }
    return {Errc::internal, "the driver was used wrongly"};
}

}  // namespace

base::Error cuda_error(driver_abi::CuResult result, const char* function) {
    const Meaning meaning = meaning_of(driver_abi::classify(result));
    const char* name = driver_abi::find_name(result);
    base::Error error{.code = meaning.code};
    error.cause = name != nullptr ? name : fmt::format("CUresult {}", static_cast<int>(result));
    error.message = fmt::format("{} returned {}: {}", function, error.cause, meaning.advice);
    return error;
}

base::Result<CudaDriver> CudaDriver::open() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets variables
    const char* chosen = std::getenv("WINDLASS_CUDA_LIBRARY");
    Library library = WL_TRY(Library::open(chosen != nullptr ? chosen : "libcuda.so.1"));
    CudaDriver driver{std::move(library)};
    WL_TRY(driver.call(driver_abi::cuInit, 0U));
    return driver;
}

base::Error CudaDriver::missing(const char* function) const {
    return base::fail(Errc::unsupported, fmt::format("{} has no function {}; a newer driver may",
                                                     library_.name(), function));
}

}  // namespace windlass::guard
