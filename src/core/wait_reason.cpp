// Names of the wait reasons.
#include "core/wait_reason.h"

#include <utility>

namespace windlass::core {

std::string_view to_text(WaitReason reason) {
    switch (reason) {
        case WaitReason::starting: return "starting";
        case WaitReason::loading: return "loading";
        case WaitReason::busy: return "busy";
        case WaitReason::draining: return "draining";
        case WaitReason::stopping: return "stopping";
        case WaitReason::backoff: return "backoff";
        case WaitReason::retrying: return "retrying";
        case WaitReason::paused: return "paused";
    }
    std::unreachable();
}

}  // namespace windlass::core
