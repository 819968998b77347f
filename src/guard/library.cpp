// See library.h.
#include "guard/library.h"

#include <dlfcn.h>
#include <fmt/core.h>

#if defined(__SANITIZE_THREAD__)
// Driver libraries are not instrumented, so the thread sanitizer does not see what orders their
// threads, only some of what they do. It asks for this; "ThreadSanitizerSuppressions" in its wiki.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "called_from_lib:libcuda.so\n"; }
#endif

namespace windlass::guard {

base::Result<Library> Library::open(const std::string& name) {
    void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) return Library{name, handle};
    const char* reason = dlerror();
    return base::fail(base::Errc::driver_missing,
                      fmt::format("cannot open {}: {}; is the NVIDIA driver installed here?", name,
                                  reason == nullptr ? "no reason given" : reason));
}

std::optional<Library> Library::find_open(const std::string& name) {
    void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (handle == nullptr) return std::nullopt;
    return Library{name, handle};
}

void* Library::address_of(const char* symbol) const { return dlsym(handle_, symbol); }

}  // namespace windlass::guard
