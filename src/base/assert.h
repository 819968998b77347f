// WL_ASSERT: stays on in release, for our own bugs only. What users, workers, disks and networks do
// wrong is an Error (base/result.h), never an assertion.
#pragma once

namespace windlass::base {

// Prints "assertion failed: ..." to stderr and aborts; the keeper and the next start clear up.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

// Called before anything is printed, once for each failed assertion of the thread that has set it,
// and not within itself: the place for last words. It may throw where the caller can do without
// what has failed.
using AssertionHook = void (*)(const char* condition, const char* file, int line);
AssertionHook set_assertion_hook(AssertionHook hook);  // null: none. Returns the former one

}  // namespace windlass::base

#define WL_ASSERT(condition) \
    ((condition) ? void(0) : ::windlass::base::assertion_failed(#condition, __FILE__, __LINE__))
