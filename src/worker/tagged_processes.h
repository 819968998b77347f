// Finds and kills processes by the tag in their environment: WINDLASS_WORKER=DAEMON/GENERATION,
// which a worker's descendants inherit wherever they go, into sessions of their own too. What
// empties or overwrites its environment escapes; a cgroup holds that as well. Thread: any.
#pragma once

#include <dirent.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/file_descriptor.h"

namespace windlass::worker {

// The tag's variable and value; of all workers of a daemon when no generation is given.
std::string tag_of(const std::string& daemon_id, std::optional<std::uint64_t> generation);

struct KilledProcess {
    pid_t pid = 0;
    io::FileDescriptor pidfd;  // readable once it is dead
};

// One pass through /proc that sends SIGKILL to every process with the tag, except this one. A pass
// can miss what begins meanwhile and what executes at that moment: pass until none is found.
// Processes that may not be inspected, those of other users, are not ours to end.
class TagSweep {
  public:
    // `tag`: of tag_of().
    explicit TagSweep(std::string tag);

    // Looks at up to `count_max` processes (10 us each, measured) and adds those that it killed.
    // True when the pass is over.
    bool step(std::size_t count_max, std::vector<KilledProcess>& killed);

    // For lack of descriptors or memory some processes could not be looked at.
    bool is_blind() const { return is_blind_; }

  private:
    struct CloseDirectory {
        void operator()(DIR* directory) const { ::closedir(directory); }
    };

    bool has_tag(pid_t pid);
    std::optional<KilledProcess> kill(pid_t pid);

    std::string tag_;
    std::unique_ptr<DIR, CloseDirectory> processes_;
    bool is_blind_ = false;
};

}  // namespace windlass::worker
