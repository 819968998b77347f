// Functions of glibc 2.36 over the system calls behind them, so that a program built on Debian 12
// runs with glibc 2.35. The linker prefers them to those of libc.so. Portable build only.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>

extern "C" {

// std::random_device of the static libstdc++ calls it. It cannot fail, and up to 256 bytes
// getrandom(2) is not interrupted once the kernel has its entropy.
std::uint32_t arc4random() noexcept {
    std::uint32_t number = 0;
    while (::getrandom(&number, sizeof(number), 0) != ssize_t{sizeof(number)}) {
        if (errno != EINTR) std::abort();
    }
    return number;
}

int pidfd_open(pid_t pid, unsigned flags) noexcept {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}

int pidfd_send_signal(int pidfd, int signal, siginfo_t* info, unsigned flags) noexcept {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags));
}

}  // extern "C"
