// Which waits GET /readyz may blame a model for.
#include "core/wait_reason.h"

#include <doctest/doctest.h>

#include <string>

namespace core = windlass::core;

TEST_CASE("a request is stuck unless its model is being loaded or somebody paused it") {
    std::string stuck;
    for (int i = 0; i < core::kWaitReasonCount; ++i) {
        const auto reason = static_cast<core::WaitReason>(i);
        if (core::is_stuck(reason)) stuck += std::string{core::to_text(reason)} + " ";
    }
    CHECK(stuck ==
          "offloading busy draining stopping backoff retrying memory device unkillable store ");
}
