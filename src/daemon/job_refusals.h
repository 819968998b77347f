// Why nothing can be done with jobs, or with one.
#pragma once

#include "base/result.h"

namespace windlass::daemon {

base::Error no_job_store();          // there is no usable file
base::Error job_desk_is_closing();   // the daemon is about to end
base::Error job_was_not_accepted();  // that the engine was told of before

// What the store may not have on its second try; anything else it has refused for good.
bool is_trouble(const base::Error& error);

}  // namespace windlass::daemon
