// Why a request waits. Derived from the state that holds it up, never stored: so it is true.
#pragma once

#include <cstdint>
#include <string_view>

namespace windlass::core {

enum class WaitReason : std::uint8_t {
    starting,    // the process of its model was launched and has not said `hello`
    loading,     // the model loads
    restoring,   // its weights come back from the host's memory
    offloading,  // they are on their way there; they come back at once
    busy,        // every place in the replica is taken
    draining,    // the replica must go; it finishes what it holds
    stopping,    // the process is being ended
    backoff,     // the model failed; the next try comes after a pause
    retrying,    // a `transient` error of this request; its own pause is not over
    paused,      // an administrator paused the model
    memory,      // no device has room for it, or it is being asked whether it has; or its first
                 // run, which claims all there is, waits for others
    device,      // no device that the model may use is there and answers
    unkillable,  // a job: too many processes of its model hang in the kernel to start another
    store,       // a job: its store is asked whether it may begin, or is in trouble
};

inline constexpr int kWaitReasonCount = 14;

// "starting", "loading", ...: as in the API.
std::string_view to_text(WaitReason reason);

// Neither a load that goes on nor an administrator's wish.
bool is_stuck(WaitReason reason);

}  // namespace windlass::core
