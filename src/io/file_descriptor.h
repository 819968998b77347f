// Ownership of file descriptors, the errors that making them brings, and the pairs we make. All
// are close-on-exec: what a child inherits is named when it is spawned.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace windlass::io {

class [[nodiscard]] FileDescriptor {
  public:
    FileDescriptor() = default;
    explicit FileDescriptor(int owned) : number_(owned) {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~FileDescriptor() { reset(); }

    int number() const { return number_; }  // -1: owns none
    explicit operator bool() const { return number_ >= 0; }
    int release() { return std::exchange(number_, -1); }
    void reset(int owned = -1);  // closes what it held

  private:
    int number_ = -1;
};

// "DOING: text of the errno". ENOENT is not_found; EACCES and EPERM permission_denied; ENOMEM
// host_out_of_memory; EMFILE, ENFILE, EAGAIN and ENOSPC unavailable; all else internal.
base::Error system_error(int errno_value, const std::string& doing);

struct SocketPair {
    FileDescriptor ours;    // non-blocking
    FileDescriptor theirs;  // blocking, for a child
};
base::Result<SocketPair> make_socket_pair();

struct Pipe {
    FileDescriptor read_end;   // non-blocking
    FileDescriptor write_end;  // blocking, for a child
};
base::Result<Pipe> make_pipe();

// What a read from a descriptor that does not block found.
struct ReadOutcome {
    std::size_t size = 0;  // bytes that were read
    bool is_end = false;   // the other side is closed: nothing will come any more
    int errno_value = 0;   // not 0: reading failed
};
ReadOutcome read_some(int descriptor, std::span<char> into);

}  // namespace windlass::io
