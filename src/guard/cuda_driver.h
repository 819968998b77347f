// Calls of the CUDA driver API with our errors. Only ever in a worker or a user's program: the
// daemon loads no driver.
#pragma once

#include <string>
#include <type_traits>

#include "base/result.h"
#include "driver_abi/cuda_symbols.h"
#include "guard/library.h"

namespace windlass::guard {

// The error for a result other than success, by its class. `function` is what returned it;
// `cause` becomes the vendor's name of the result.
base::Error cuda_error(driver_abi::CuResult result, const char* function);

// Thread: any, as the driver's own.
class CudaDriver {
  public:
    // libcuda.so.1, or what WINDLASS_CUDA_LIBRARY names; calls cuInit.
    static base::Result<CudaDriver> open();

    //     WL_TRY(driver.call(driver_abi::cuMemAlloc_v2, &address, bytes));
    template <class... Parameters>
    base::Result<void> call(driver_abi::Cu<Parameters...> symbol,
                            std::type_identity_t<Parameters>... arguments) const {
        auto* function = library_.find(symbol);
        if (function == nullptr) return missing(symbol.name);
        const driver_abi::CuResult result = function(arguments...);
        if (result == driver_abi::CuResult::success) return {};
        return cuda_error(result, symbol.name);
    }

  private:
    explicit CudaDriver(Library library) : library_(std::move(library)) {}
    base::Error missing(const char* function) const;

    Library library_;
};

}  // namespace windlass::guard
