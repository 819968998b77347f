// Makes, clears and removes folders and cgroups of daemons.
#include "daemon/estate.h"

#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/log.h"
#include "worker/cgroup.h"
#include "worker/leftovers.h"

namespace windlass::daemon {
namespace {

namespace fs = std::filesystem;
namespace log = base::log;
using namespace std::chrono_literals;

// How long a start waits for the leftovers of former daemons to die.
constexpr Duration kLeftoversWait = 5s;

fs::path run_folder(const std::string& state_dir) { return fs::path{state_dir} / "run"; }

base::Result<std::string> make_folder(const std::string& state_dir, const std::string& daemon_id) {
    const fs::path path = run_folder(state_dir) / daemon_id;
    std::error_code error;
    fs::create_directories(path, error);
    if (!error) fs::permissions(path, fs::perms::owner_all, error);
    if (!error) return path.string();
    return base::fail(
        base::Errc::permission_denied,
        fmt::format("cannot make the folder {}: {}; set state_dir under [daemon] to a "
                    "folder that may be written to",
                    path.string(), error.message()));
}

// The record first: a daemon that is killed between the two leaves no cgroup that nobody knows.
base::Result<void> make_cgroup(worker::DaemonRecord& record) {
    record.cgroup = WL_TRY(worker::find_daemon_cgroup_path(record.daemon_id));
    WL_TRY(worker::write_record(record));
    return worker::make_daemon_cgroup(record.cgroup);
}

}  // namespace

void clear_leftovers(const std::string& state_dir, const std::string& daemon_id) {
    const worker::DeadDaemons dead =
        worker::clear_up_all(run_folder(state_dir).string(), daemon_id, {.limit = kLeftoversWait});
    if (dead.daemon_count > 0) {
        log::warning("daemon.leftovers_cleared",
                     {{"daemons", dead.daemon_count}, {"processes", dead.process_count}});
    }
    for (const std::string& folder : dead.kept) {
        log::warning("daemon.leftovers_kept",
                     {{"message", "of " + folder +
                                      " something is left: its daemon still runs, a "
                                      "process of it hangs in the kernel, or a file may not be "
                                      "removed; look at it, and remove the folder"}});
    }
}

base::Result<std::unique_ptr<Estate>> Estate::make(const DaemonConfiguration& configuration,
                                                   const std::string& daemon_id) {
    worker::DaemonRecord record{.daemon_id = daemon_id, .pid_space = io::pid_space()};
    record.daemon = io::find_identity(::getpid()).value_or(io::ProcessIdentity{});
    record.folder = WL_TRY(make_folder(configuration.state_dir, daemon_id));
    if (configuration.cgroups == Cgroups::automatic) {
        if (const auto made = make_cgroup(record); !made) {
            record.cgroup.clear();
            log::info("daemon.no_cgroups", {{"message", made.error().message}});
        }
    }
    return std::unique_ptr<Estate>{new Estate{std::move(record)}};
}

Estate::~Estate() {
    if (is_left_) return;
    if (!record_.cgroup.empty()) worker::remove_cgroup(record_.cgroup);
    std::error_code ignored;  // nothing useful can be done about it any more
    fs::remove_all(record_.folder, ignored);
}

}  // namespace windlass::daemon
