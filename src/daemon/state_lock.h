// One daemon for each state folder: whoever holds the lock in it. Thread: main.
#pragma once

#include <string>

#include "base/result.h"
#include "io/file_descriptor.h"

namespace windlass::daemon {

class StateLock {
  public:
    // Makes the folder if need be, and locks `state_dir`/lock until the object or the process ends,
    // however it ends. `conflict`, with the holder's pid, when another daemon has it.
    static base::Result<StateLock> take(const std::string& state_dir);

  private:
    explicit StateLock(io::FileDescriptor file) : file_(std::move(file)) {}

    io::FileDescriptor file_;
};

}  // namespace windlass::daemon
