// Appends to a file from a thread of its own, so that a disk that does not answer holds up nobody
// else. Thread: the one that made it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "io/file_descriptor.h"

namespace windlass::io {

class FileThread {
  public:
    static constexpr std::size_t kPiecesMax = 16;  // that wait to be written

    explicit FileThread(FileDescriptor file);
    ~FileThread();  // the thread ends by itself once it has written what it was given
    FileThread(const FileThread&) = delete;
    FileThread& operator=(const FileThread&) = delete;

    // False: so many wait already, and `piece` is as it was.
    bool give(std::string&& piece);

    // The errno of the first piece that could not be written; after it nothing is. Told once.
    std::optional<int> take_failure();

    // Gives the last piece, whatever waits. Waits until all is written. False: it took longer.
    bool finish(std::string&& last, base::Duration limit);

  private:
    struct State;
    std::shared_ptr<State> state_;  // the thread's too: it may outlive us where the disk hangs
};

}  // namespace windlass::io
