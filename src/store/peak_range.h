// The range of a peak, which every store refuses alike.
#pragma once

#include "base/result.h"
#include "store/store.h"

namespace windlass::store {

// `invalid_input` when it is 0 or more than 8 EiB - 1.
base::Result<void> check_range(const Peak& peak);

}  // namespace windlass::store
