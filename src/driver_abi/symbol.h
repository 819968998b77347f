// A function that is found in a driver library at run time: its pinned name and its type. The names
// are the oldest stable versions, never those of a header, which change under the same spelling
// (`cuCtxCreate` means `_v2` in CUDA 12 and `_v4` in 13).
#pragma once

namespace windlass::driver_abi {

//     auto* initialise = reinterpret_cast<decltype(cuInit)::Function*>(dlsym(library,
//     cuInit.name));
template <class F>
struct Symbol {
    using Function = F;
    const char* name;
};

}  // namespace windlass::driver_abi
