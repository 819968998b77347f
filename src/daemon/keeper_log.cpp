// One line for each thing that its link tells.
#include "daemon/keeper_log.h"

#include "base/log.h"
#include "base/overloaded.h"

namespace windlass::daemon {

namespace log = base::log;

void log_keeper(const worker::KeeperEvent& event) {
    std::visit(base::Overloaded{
                   [](const worker::KeeperStarted& e) {
                       log::info("keeper.started", {{"pid", e.pid}});
                   },
                   [](const worker::KeeperLost& e) {
                       log::warning("keeper.lost", {{"pid", e.pid.value_or(0)},
                                                    {"message", e.why},
                                                    {"retry_after", e.retry_after}});
                   },
                   [](const worker::RecordFailed& e) {
                       log::warning("keeper.record_failed",
                                    {{"type", base::traits(e.error.code).name},
                                     {"message", e.error.message}});
                   },
               },
               event);
}

}  // namespace windlass::daemon
