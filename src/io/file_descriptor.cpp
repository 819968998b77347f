// The system calls behind file descriptors.
#include "io/file_descriptor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace windlass::io {
namespace {

using base::Errc;

Errc errc_of(int errno_value) {
    switch (errno_value) {
        case ENOENT: return Errc::not_found;
        case EACCES:
        case EPERM:
        case EROFS: return Errc::permission_denied;
        case EISDIR:
        case ENOTDIR:
        case ENXIO:
        case ELOOP:
        case ENAMETOOLONG: return Errc::invalid_input;  // a path that somebody gave
        case ENOMEM: return Errc::host_out_of_memory;
        case EMFILE:
        case ENFILE:
        case EAGAIN:
        case ENOSPC: return Errc::unavailable;
        default: return Errc::internal;
    }
}

base::Result<void> set_non_blocking(const FileDescriptor& descriptor) {
    if (::fcntl(descriptor.number(), F_SETFL, O_NONBLOCK) == 0) return {};
    return system_error(errno, "setting a descriptor to non-blocking");
}

}  // namespace

void FileDescriptor::reset(int owned) {
    // Linux frees the number even when close() reports EINTR, so there is nothing to repeat.
    if (number_ >= 0) ::close(number_);
    number_ = owned;
}

base::Error system_error(int errno_value, const std::string& doing) {
    return base::fail(errc_of(errno_value),
                      doing + ": " + std::generic_category().message(errno_value));
}

base::Result<SocketPair> make_socket_pair() {
    std::array<int, 2> ends = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return system_error(errno, "making a socket pair");
    }
    SocketPair pair{.ours = FileDescriptor{ends[0]}, .theirs = FileDescriptor{ends[1]}};
    WL_TRY(set_non_blocking(pair.ours));
    return pair;
}

base::Result<Pipe> make_pipe() {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "making a pipe");
    Pipe pipe{.read_end = FileDescriptor{ends[0]}, .write_end = FileDescriptor{ends[1]}};
    WL_TRY(set_non_blocking(pipe.read_end));
    return pipe;
}

ReadOutcome read_some(int descriptor, std::span<char> into) {
    while (true) {
        const ssize_t size = ::read(descriptor, into.data(), into.size());
        if (size > 0) return {.size = static_cast<std::size_t>(size)};
        if (size == 0) return {.is_end = true};
        if (errno == EAGAIN) return {};
        if (errno != EINTR) return {.errno_value = errno};
    }
}

}  // namespace windlass::io
