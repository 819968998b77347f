// Identities of processes, from /proc.
#include "io/process_identity.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file_descriptor.h"

namespace io = windlass::io;

TEST_CASE("a process is itself, and another one under its number is not") {
    const auto self = io::find_identity(::getpid());
    REQUIRE(self.has_value());
    CHECK(self->start_ticks > 0);
    CHECK(io::is_running(*self));
    CHECK_FALSE(io::is_running({.pid = self->pid, .start_ticks = self->start_ticks + 1}));
    CHECK_FALSE(io::pid_space().empty());
}

TEST_CASE("a dead process keeps its identity until it is reaped, but does not run") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(0);
    siginfo_t info = {};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
    const auto dead = io::find_identity(child);
    REQUIRE(dead.has_value());
    CHECK_FALSE(io::is_running(*dead));
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK_FALSE(io::find_identity(child).has_value());
}
