// The words of it.
#include "daemon/job_refusals.h"

namespace windlass::daemon {

using base::Errc;

base::Error no_job_store() {
    base::Error error = base::fail(
        Errc::unavailable,
        "no job can be kept, because the daemon has no usable file for them; the log says why "
        "(store.failed), and `state_dir` under [daemon] where it would be");
    error.reason = "store_failed";
    return error;
}

base::Error job_desk_is_closing() {
    base::Error error = base::fail(Errc::unavailable,
                                   "the daemon is shutting down; jobs are kept, ask its successor");
    error.reason = "shutting_down";
    return error;
}

base::Error job_was_not_accepted() {
    return base::fail(Errc::not_found, "the job was not accepted, or not to begin at once");
}

bool is_trouble(const base::Error& error) {
    return error.code == Errc::unavailable || error.code == Errc::host_out_of_memory;
}

}  // namespace windlass::daemon
