// Why nothing can be done with jobs at all.
#pragma once

#include "base/result.h"

namespace windlass::daemon {

base::Error no_job_store();         // there is no usable file
base::Error job_desk_is_closing();  // the daemon is about to end

}  // namespace windlass::daemon
