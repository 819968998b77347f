// Functions of glibc 2.36 over the system calls behind them, so that a program built on Debian 12
// runs with an older glibc. The linker prefers them to those of libc.so. Portable build only.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>

extern "C" {

int pidfd_open(pid_t pid, unsigned flags) noexcept {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}

int pidfd_send_signal(int pidfd, int signal, siginfo_t* info, unsigned flags) noexcept {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags));
}

}  // extern "C"
