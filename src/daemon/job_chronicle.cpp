// The events of jobs, with their fields.
#include "daemon/job_chronicle.h"

#include <chrono>
#include <vector>

#include "base/log.h"
#include "daemon/job_tally.h"
#include "daemon/job_translate.h"
#include "daemon/translate.h"
#include "http/job_status.h"

namespace windlass::daemon {

namespace log = base::log;
using namespace std::chrono_literals;

namespace {

// Of an attempt, with the error that it ended with.
std::vector<log::Field> fields_of(const core::SettleJob& ended, const std::string& model, int pid) {
    std::vector<log::Field> fields{{"model", model},
                                   {"job", daemon::to_text(store::JobId{ended.job.value})}};
    if (ended.generation) fields.emplace_back("generation", ended.generation.value);
    if (pid != 0) fields.emplace_back("pid", pid);
    if (!ended.error) return fields;
    const core::Error& error = *ended.error;
    fields.emplace_back("type", base::traits(error.code).name);
    fields.emplace_back("message", error.message);
    if (!error.cause.empty()) fields.emplace_back("cause", error.cause);
    if (!error.traceback.empty()) fields.emplace_back("traceback", error.traceback);
    return fields;
}

}  // namespace

JobChronicle::JobChronicle(io::Loop& loop) : second_(loop, [this] { tell_untold(); }) {}

// False: it is counted instead, and told with others.
bool JobChronicle::may_tell(std::uint64_t& untold) {
    if (!is_counting_) {
        is_counting_ = true;
        second_.start(1s);
    }
    if (told_ < kToldMax) {
        ++told_;
        return true;
    }
    ++untold;
    return false;
}

void JobChronicle::tell_untold() {
    if (accepted_ + started_ + succeeded_ > 0) {
        log::info("job.many",
                  {{"accepted", accepted_}, {"started", started_}, {"succeeded", succeeded_}});
    }
    told_ = 0;
    accepted_ = started_ = succeeded_ = 0;
    is_counting_ = false;
}

void JobChronicle::accepted(store::JobId job, const std::string& model, store::JobState state) {
    if (!may_tell(accepted_)) return;
    log::info("job.accepted", {{"model", model},
                               {"job", daemon::to_text(job)},
                               {"state", http::to_text(to_state(state))}});
}

void JobChronicle::started(store::JobId job, const std::string& model,
                           const core::ClaimJob& claim) {
    if (!may_tell(started_)) return;
    log::info("job.started", {{"model", model},
                              {"job", daemon::to_text(job)},
                              {"request", daemon::to_text(claim.request)},
                              {"generation", claim.generation.value}});
}

void JobChronicle::stopping(const core::StopJob& stop, const std::string& model) {
    const std::string job = daemon::to_text(store::JobId{stop.job.value});
    switch (stop.cause) {
        case core::JobStopCause::stalled:
            return log::warning("job.stalled", {{"model", model}, {"job", job}});
        case core::JobStopCause::timeout:
            return log::warning("job.timed_out", {{"model", model}, {"job", job}});
        case core::JobStopCause::deadline:
            return log::warning("job.overdue", {{"model", model}, {"job", job}});
        case core::JobStopCause::cancel:
            return log::info("job.cancelling", {{"model", model}, {"job", job}});
    }
}

void JobChronicle::ended(const core::SettleJob& settlement, const std::string& model, int pid) {
    if (settlement.end == core::JobEnd::succeeded && !may_tell(succeeded_)) return;
    std::vector<log::Field> fields = fields_of(settlement, model, pid);
    switch (settlement.end) {
        case core::JobEnd::succeeded:
            fields.emplace_back("run", settlement.timings.value_or(core::Timings{}).run);
            return log::write(log::Level::info, "job.succeeded", fields);
        case core::JobEnd::retried:
            fields.emplace_back("retry_after", settlement.delay);
            return log::write(log::Level::warning, "job.retried", fields);
        case core::JobEnd::returned: return log::write(log::Level::info, "job.returned", fields);
        case core::JobEnd::dead:
            fields.emplace_back("reason", daemon::to_text(settlement.reason));
            return log::write(log::Level::error, "job.failed", fields);
        case core::JobEnd::cancelled: return log::write(log::Level::info, "job.cancelled", fields);
    }
}

void JobChronicle::expired(store::JobId job, const std::string& model) {
    log::error("job.failed",
               {{"model", model},
                {"job", daemon::to_text(job)},
                {"reason", "deadline"},
                {"type", "timeout"},
                {"message", "its deadline passed before its model had a place for it"}});
}

}  // namespace windlass::daemon
