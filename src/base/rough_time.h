// A duration as exact as a person wants it: "740ms", "4s", "5m 12s", "3h 20m", "12 days".
#pragma once

#include <string>

#include "base/time.h"

namespace windlass::base {

std::string rough_text(Duration duration);

}  // namespace windlass::base
