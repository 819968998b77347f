// The one way out for a broken invariant: say which, then abort with a core to look at.
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace windlass::base {
namespace {

thread_local AssertionHook installed_hook = nullptr;

// Not there while it runs, and there again should it throw.
class OwnTurn {
  public:
    OwnTurn() : hook_(std::exchange(installed_hook, nullptr)) {}
    ~OwnTurn() { installed_hook = hook_; }
    OwnTurn(const OwnTurn&) = delete;
    OwnTurn& operator=(const OwnTurn&) = delete;
    AssertionHook hook() const { return hook_; }

  private:
    const AssertionHook hook_;
};

}  // namespace

AssertionHook set_assertion_hook(AssertionHook hook) { return std::exchange(installed_hook, hook); }

void assertion_failed(const char* condition, const char* file, int line) {
    {
        const OwnTurn turn;
        if (turn.hook() != nullptr) turn.hook()(condition, file, line);
    }
    std::fprintf(stderr, "windlass: assertion failed: %s (%s:%d); this is a bug in Windlass\n",
                 condition, file, line);
    std::abort();
}

}  // namespace windlass::base
