// A listening Unix socket and its file.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "base/result.h"
#include "io/file_descriptor.h"

namespace windlass::http {

// What fits into a sockaddr_un of Linux with its closing zero (unix(7)).
inline constexpr std::size_t kUnixPathMax = 107;

// The file of a listening Unix socket; removed at the end, unless somebody has put another in its
// place. Must go before the socket is closed: while that is open, no other file gets its number.
class [[nodiscard]] UnixSocketFile {
  public:
    UnixSocketFile() = default;
    explicit UnixSocketFile(std::string path);  // of a socket that was bound just now
    UnixSocketFile(const UnixSocketFile&) = delete;
    UnixSocketFile& operator=(const UnixSocketFile&) = delete;
    UnixSocketFile(UnixSocketFile&& other) noexcept;
    UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
    ~UnixSocketFile();

    void remove();

  private:
    std::string path_;  // empty: there is none
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

struct UnixListener {
    io::FileDescriptor socket;  // non-blocking
    UnixSocketFile file;
};

// The file has mode 0600 from its first moment. One that a dead program left behind is replaced.
// Errors: conflict when somebody answers there, or what is there is no socket; invalid_input for a
// path that is too long; else what the system says.
base::Result<UnixListener> open_unix_listener(const std::string& path);

}  // namespace windlass::http
