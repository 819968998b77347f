// The system calls behind a Unix socket in the file system.
#include "http/unix_listener.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace windlass::http {
namespace {

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, std::begin(address.sun_path));
    return address;
}

io::FileDescriptor make_unix_socket() {
    return io::FileDescriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

base::Error cannot_listen(int errno_value, const std::string& path) {
    base::Error error = io::system_error(errno_value, "listening on the Unix socket " + path);
    error.message +=
        "; set socket under [daemon] to a path in a folder that exists and may be written to, or "
        "to \"none\"";
    return error;
}

base::Error taken(const std::string& path, std::string_view by) {
    return base::fail(base::Errc::conflict,
                      fmt::format("listening on the Unix socket {}: {}, or set another path in "
                                  "socket under [daemon]",
                                  path, by));
}

// Nobody is there only if the system says so: a socket of another user or of another kind, or one
// where so many wait that it would take a while, belongs to somebody.
bool has_listener(const sockaddr_un& address) {
    const io::FileDescriptor probe = make_unix_socket();
    if (!probe) return true;  // it cannot be known; then nothing of others is removed
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(probe.number(), generic, sizeof(address)) == 0) return true;
    return errno != ECONNREFUSED && errno != ENOENT;
}

// Makes room for our socket where a dead program left its own.
base::Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0) return {};  // gone meanwhile
    if (!S_ISSOCK(there.st_mode)) {
        return taken(path, "that file is there and is no socket; move it away");
    }
    if (has_listener(address)) {
        return taken(path, "another program answers there; stop it (it may be another windlass)");
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return cannot_listen(errno, path);
    return {};
}

}  // namespace

UnixSocketFile::UnixSocketFile(std::string path) : path_(std::move(path)) {
    struct stat ours {};
    if (::lstat(path_.c_str(), &ours) != 0) path_.clear();
    device_ = ours.st_dev;
    inode_ = ours.st_ino;
}

UnixSocketFile::UnixSocketFile(UnixSocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

UnixSocketFile& UnixSocketFile::operator=(UnixSocketFile&& other) noexcept {
    remove();
    path_ = std::exchange(other.path_, {});
    device_ = other.device_;
    inode_ = other.inode_;
    return *this;
}

UnixSocketFile::~UnixSocketFile() { remove(); }

void UnixSocketFile::remove() {
    const std::string path = std::exchange(path_, {});
    struct stat there {};
    if (path.empty() || ::lstat(path.c_str(), &there) != 0) return;
    if (there.st_dev == device_ && there.st_ino == inode_) ::unlink(path.c_str());
}

base::Result<UnixListener> open_unix_listener(const std::string& path) {
    if (path.empty() || path.size() > kUnixPathMax) {
        return base::fail(base::Errc::invalid_input,
                          fmt::format("listening on the Unix socket {}: its path has {} bytes, and "
                                      "at most {} are possible; set a shorter one in socket under "
                                      "[daemon]",
                                      path, path.size(), kUnixPathMax));
    }
    const sockaddr_un address = unix_address(path);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    io::FileDescriptor socket = make_unix_socket();
    // Linux gives the file the mode that the socket has when it is bound, so that there is no
    // moment at which others could connect. (A umask would do it too, for the whole process.)
    if (!socket || ::fchmod(socket.number(), S_IRUSR | S_IWUSR) != 0) {
        return cannot_listen(errno, path);
    }
    if (::bind(socket.number(), generic, sizeof(address)) != 0) {
        if (errno != EADDRINUSE) return cannot_listen(errno, path);
        WL_TRY(remove_stale(path, address));
        if (::bind(socket.number(), generic, sizeof(address)) != 0) {
            return cannot_listen(errno, path);
        }
    }
    UnixSocketFile file{path};
    if (::listen(socket.number(), SOMAXCONN) != 0) return cannot_listen(errno, path);
    return UnixListener{.socket = std::move(socket), .file = std::move(file)};
}

}  // namespace windlass::http
