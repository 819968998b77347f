// Runs in the child, between posix_spawn and the worker's program.
#include "worker/exec_shim.h"

#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "base/utf8.h"
#include "wire/frame.h"
#include "wire/frame_meta.h"
#include "worker/cgroup.h"

namespace windlass::worker {
namespace {

constexpr int kCannotExecute = 127;  // as shells say it

// False when the daemon is gone: it died before its death could have been noticed.
bool follow_parent(int parent_pid) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    return ::getppid() == parent_pid;
}

void prepare(int parent_pid) {
    constexpr rlimit kNone = {.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &kNone);  // a core of a model is as large as its weights
    // Under Yama (Linux Documentation/admin-guide/LSM/Yama.rst) only an ancestor may trace; this
    // allows the daemon's other children, which take the stacks of a stuck worker. Fails without
    // Yama, where nothing is needed.
    ::prctl(PR_SET_PTRACER, static_cast<unsigned long>(parent_pid), 0, 0, 0);
}

std::string explain(std::string_view program, int errno_value) {
    const std::string what = std::generic_category().message(errno_value);
    if (errno_value != ENOENT) {
        return fmt::format(
            "cannot execute the worker's program `{}`: {}; correct `interpreter` or"
            " `command` of the model, or the file's permissions",
            program, what);
    }
    if (program.contains('/')) {
        return fmt::format(
            "the worker's program `{}` was not found (or the interpreter that its"
            " first line names); correct `interpreter` or `command` of the model",
            program);
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the shim has one thread
    const char* const path = std::getenv("PATH");
    return fmt::format(
        "the worker's program `{}` was not found in PATH ({}); install it, or correct"
        " `interpreter` or `command` of the model",
        program, path == nullptr ? "which is not set" : path);
}

void report(std::string_view program, int errno_value) {
    const base::Error error{.code = base::Errc::internal,
                            .message = base::to_valid_utf8(explain(program, errno_value)),
                            .cause = errno_value == ENOENT ? "FileNotFoundError" : "OSError"};
    const std::string frame = wire::encode_head(wire::FrameType::error, 0, wire::to_json(error));
    // The channel is empty as yet, and the frame smaller than what fits it. If the daemon is gone
    // nobody is left to tell.
    static_cast<void>(::send(kChannelDescriptor, frame.data(), frame.size(), MSG_NOSIGNAL));
}

}  // namespace

std::vector<std::string> exec_shim_argv(int parent_pid, const std::string& cgroup,
                                        const std::vector<std::string>& argv) {
    std::vector<std::string> whole{"windlass", "worker-exec", std::to_string(parent_pid), cgroup};
    whole.insert(whole.end(), argv.begin(), argv.end());
    return whole;
}

int exec_shim(std::span<char* const> arguments) {
    if (arguments.size() < 3) return kCannotExecute;
    const std::string_view parent = arguments[0];
    int parent_pid = 0;
    std::from_chars(parent.data(), parent.data() + parent.size(), parent_pid);
    if (!follow_parent(parent_pid)) return kCannotExecute;
    // If it fails, the daemon sees at the end that we were not in there, and looks for tags.
    if (*arguments[1] != '\0') static_cast<void>(join_cgroup(arguments[1]));
    prepare(parent_pid);
    // argv of a program ends with a null pointer, and so does its tail.
    ::execvp(arguments[2], arguments.data() + 2);
    report(arguments[2], errno);
    return kCannotExecute;
}

}  // namespace windlass::worker
