// Names of what holders do, and of what comes next.
#include "core/holder.h"

#include <utility>

namespace windlass::core {

std::string_view to_text(Doing doing) {
    switch (doing) {
        case Doing::idle: return "idle";
        case Doing::running: return "running";
        case Doing::starting: return "starting";
        case Doing::loading: return "loading";
        case Doing::offloading: return "offloading";
        case Doing::offloaded: return "offloaded";
        case Doing::restoring: return "restoring";
        case Doing::draining: return "draining";
        case Doing::stopping: return "stopping";
        case Doing::unkillable: return "unkillable";
        case Doing::standby: return "standby";
        case Doing::resting: return "resting";
        case Doing::lent: return "lent";
        case Doing::returning: return "returning";
        case Doing::fenced: return "fenced";
        case Doing::foreign: return "foreign";
    }
    std::unreachable();
}

std::string_view to_text(Step step) {
    switch (step) {
        case Step::start_timeout: return "start_timeout";
        case Step::load_timeout: return "load_timeout";
        case Step::offload_timeout: return "offload_timeout";
        case Step::restore_timeout: return "restore_timeout";
        case Step::run_timeout: return "run_timeout";
        case Step::stall_timeout: return "stall_timeout";
        case Step::offload: return "offload";
        case Step::unload: return "unload";
        case Step::make_room: return "make_room";
        case Step::lease_end: return "lease_end";
        case Step::terminate: return "terminate";
        case Step::kill: return "kill";
        case Step::give_up: return "give_up";
        case Step::fence: return "fence";
        case Step::next_try: return "next_try";
        case Step::ask_device: return "ask_device";
        case Step::device_silent: return "device_silent";
    }
    std::unreachable();
}

}  // namespace windlass::core
