// Counting, and the words for it.
#include "daemon/job_tally.h"

namespace windlass::daemon {

std::string_view to_text(core::JobEnd end) {
    switch (end) {
        case core::JobEnd::succeeded: return "succeeded";
        case core::JobEnd::retried: return "retried";
        case core::JobEnd::returned: return "returned";
        case core::JobEnd::dead: return "failed";
        case core::JobEnd::cancelled: return "cancelled";
    }
    return "";
}

std::string_view to_text(core::DeadReason reason) {
    switch (reason) {
        case core::DeadReason::none: break;
        case core::DeadReason::rejected: return "rejected";
        case core::DeadReason::attempts: return "failures";
        case core::DeadReason::crash_budget: return "crashes";
        case core::DeadReason::deadline: return "deadline";
    }
    return "";
}

void JobTally::ended(const std::string& model, const core::SettleJob& settlement, Past past) {
    JobTotals& totals = models_[model];
    const std::string_view end = to_text(settlement.end);
    ++totals.attempts[end];
    if (past.is_stalled) ++totals.stalls[end];
    if (settlement.end == core::JobEnd::dead) ++totals.failed[to_text(settlement.reason)];
    if (settlement.end == core::JobEnd::succeeded && past.was_charged) ++totals.recovered;
}

void JobTally::expired(const std::string& model) {
    ++models_[model].failed[to_text(core::DeadReason::deadline)];
}

}  // namespace windlass::daemon
