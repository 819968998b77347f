// The way into a worker: the channel that the daemon left, or else how to serve.
#include <fcntl.h>
#include <fmt/core.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "sdk/channel.h"
#include "sdk/exit_status.h"
#include "sdk/life.h"
#include "sdk/usage.h"
#include "windlass/worker.h"

namespace windlass::sdk {
namespace {

constexpr const char* kVariable = "WINDLASS_CHANNEL";  // the number of an inherited descriptor

// For the handlers below, which get no argument. -1: nobody serves.
std::atomic<int> wake_descriptor = -1;
std::atomic<int> channel_descriptor = -1;
std::atomic<int> signal_count = 0;
static_assert(std::atomic<int>::is_always_lock_free);  // else no handler of a signal may use it

extern "C" void on_sigterm(int) {
    if (signal_count.fetch_add(1) > 0) ::_exit(kExitTerminated);
    const std::uint64_t one = 1;
    const int errno_before = errno;
    static_cast<void>(::write(wake_descriptor, &one, sizeof one));
    errno = errno_before;
}

// A forked child of the model must neither keep the channel open after this process has died, nor
// end as a worker does.
extern "C" void forget_in_child() {
    const int channel = channel_descriptor.exchange(-1);
    if (channel < 0) return;
    ::close(channel);
    std::signal(SIGTERM, SIG_DFL);
}

// Negative: what the variable names is no channel, which has been said.
std::optional<int> find_channel() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): serve() is called before there are threads
    const char* const text = std::getenv(kVariable);
    if (text == nullptr) return std::nullopt;
    const std::string_view number = text;
    int descriptor = -1;
    std::from_chars(number.data(), number.data() + number.size(), descriptor);
    struct stat status = {};
    if (::fstat(descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        std::fputs(fmt::format("{}={} is no channel\n", kVariable, number).c_str(), stderr);
        return -1;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): processes that the model starts must not find it
    ::unsetenv(kVariable);
    return descriptor;
}

void prepare(int channel) {
    ::fcntl(channel, F_SETFD, FD_CLOEXEC);
    // The flag belongs to the socket, and the daemon may have set it.
    ::fcntl(channel, F_SETFL, ::fcntl(channel, F_GETFL) & ~O_NONBLOCK);
    wake_descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    channel_descriptor = channel;
    ::pthread_atfork(nullptr, nullptr, forget_in_child);
    struct sigaction terminated = {};
    terminated.sa_handler = on_sigterm;
    terminated.sa_flags = SA_RESTART;
    ::sigaction(SIGTERM, &terminated, nullptr);
    std::signal(SIGINT, SIG_IGN);                   // Ctrl-C in a terminal is for the daemon
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // a print is seen at once, though it is a pipe
}

int live(int descriptor, worker::Model& model) {
    prepare(descriptor);
    Channel channel{descriptor, wake_descriptor};
    const int status = Life{channel, model}.live();
    std::signal(SIGTERM, SIG_DFL);
    channel_descriptor = -1;
    return status;
}

}  // namespace
}  // namespace windlass::sdk

namespace windlass::worker {

int serve(Model& model) {
    const std::optional<int> descriptor = sdk::find_channel();
    if (!descriptor) {
        std::fputs(sdk::how_to_serve().c_str(), stderr);
        return sdk::kExitUsage;
    }
    return *descriptor < 0 ? sdk::kExitUsage : sdk::live(*descriptor, model);
}

}  // namespace windlass::worker
