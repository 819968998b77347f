// What is known at the moment of a scrape, as families of prometheus-cpp; only for metrics.cpp.
#pragma once

#include <vector>

#include "daemon/metrics_snapshot.h"

namespace prometheus {
struct MetricFamily;
}

namespace windlass::daemon {

// Each with at least one series: what is not known has none.
std::vector<prometheus::MetricFamily> to_families(const MetricsSnapshot& snapshot);

}  // namespace windlass::daemon
