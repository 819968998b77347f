// Texts of events.
#include "worker/event.h"

#include "io/process.h"

namespace windlass::worker {

std::string to_text(const Exited& exited) {
    return io::to_text(io::ExitStatus{.code = exited.code, .signal = exited.signal});
}

}  // namespace windlass::worker
