// Names of the table of errors that only people and JSON see.
#pragma once

#include <string_view>

#include "base/error.h"

namespace windlass::cli {

std::string_view retry_name(base::RetryClass retry);

}  // namespace windlass::cli
