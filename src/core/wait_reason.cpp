// Names of the wait reasons, and which of them are a bad sign.
#include "core/wait_reason.h"

#include <utility>

#include "core/mutant.h"

namespace windlass::core {

std::string_view to_text(WaitReason reason) {
    switch (reason) {
        case WaitReason::starting: return "starting";
        case WaitReason::loading: return "loading";
        case WaitReason::restoring: return "restoring";
        case WaitReason::offloading: return "offloading";
        case WaitReason::busy: return "busy";
        case WaitReason::draining: return "draining";
        case WaitReason::stopping: return "stopping";
        case WaitReason::backoff: return "backoff";
        case WaitReason::retrying: return "retrying";
        case WaitReason::paused: return "paused";
        case WaitReason::memory: return "memory";
        case WaitReason::device: return "device";
        case WaitReason::unkillable: return "unkillable";
        case WaitReason::store: return "store";
    }
    std::unreachable();
}

bool is_stuck(WaitReason reason) {
    switch (reason) {
        case WaitReason::starting:
        case WaitReason::loading:
        case WaitReason::restoring:
        case WaitReason::paused: return false;
        case WaitReason::offloading:
        case WaitReason::busy:
        case WaitReason::draining:
        case WaitReason::stopping:
        case WaitReason::backoff:
        case WaitReason::retrying:
        case WaitReason::device:
        case WaitReason::unkillable:
        case WaitReason::store: return true;
        case WaitReason::memory: return !mutant(Mutant::memory_wait_is_well);
    }
    std::unreachable();
}

}  // namespace windlass::core
