// The one way out for a broken invariant: say which, then abort with a core to look at.
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace windlass::base {

void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "windlass: assertion failed: %s (%s:%d); this is a bug in Windlass\n",
                 condition, file, line);
    std::abort();
}

}  // namespace windlass::base
