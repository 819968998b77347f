// The process of a program that serves HTTP, as seen by the worker that stands for it. It is in the
// worker's process group, so that whatever ends the worker by force ends it too.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace windlass::cli {

class HttpChild {
  public:
    // `environment` comes on top of ours. Errors: not_found, permission_denied, internal.
    static base::Result<std::unique_ptr<HttpChild>> start(
        const std::vector<std::string>& words,
        const std::map<std::string, std::string>& environment);
    ~HttpChild();  // kills it, if stop() did not end it before
    HttpChild(const HttpChild&) = delete;
    HttpChild& operator=(const HttpChild&) = delete;

    // Blocks until it has ended, for `limit` at most. Its end is told, and not yet carried through.
    bool wait_for_end(base::Duration limit) const;
    // How it ended: "exited with status 3". Only after wait_for_end() was true.
    std::string how_it_ended() const;

    // From now on the whole process ends as soon as the program does, and in the same way, so that
    // the daemon sees what became of it.
    void tie_lives();
    // SIGTERM, and after `grace` SIGKILL. Returns when it is gone, or cannot be killed.
    void stop(base::Duration grace);

  private:
    HttpChild(pid_t pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}
    void end_with_it();

    pid_t pid_;
    int pidfd_;
    int release_ = -1;  // an eventfd: becomes readable when the lives are no longer tied
    std::thread watcher_;
};

}  // namespace windlass::cli
