// What a daemon owns outside of itself: its folder and the cgroup of its workers. Made at the
// start, gone at the end; the keeper inherits both when the daemon is killed. Thread: main.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "daemon/configuration.h"
#include "worker/keeper_link.h"

namespace windlass::daemon {

// Clears up after daemons that were killed, and logs it. The caller holds the lock of `state_dir`.
void clear_leftovers(const std::string& state_dir, const std::string& daemon_id);

class Estate {
  public:
    static base::Result<std::unique_ptr<Estate>> make(const DaemonConfiguration& configuration,
                                                      const std::string& daemon_id);
    ~Estate();  // removes both, unless leave() was called
    Estate(const Estate&) = delete;
    Estate& operator=(const Estate&) = delete;

    // Something may be left of the workers: the keeper removes both, or the next start.
    void leave() { is_left_ = true; }

    const std::string& folder() const { return record_.folder; }
    const std::string& cgroup() const { return record_.cgroup; }  // empty: there can be none
    const worker::DaemonRecord& record() const { return record_; }

  private:
    explicit Estate(worker::DaemonRecord record) : record_(std::move(record)) {}

    worker::DaemonRecord record_;
    bool is_left_ = false;
};

}  // namespace windlass::daemon
