// The hidden `windlass drill-watch [UUID PARENT]`: asks the driver and writes a line for each
// answer, until nobody reads them. A driver may hang; then this process does, and no other.
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/core.h>
#include <poll.h>

#include "cli/commands.h"
#include "device/nvml_backend.h"

namespace windlass::cli {
namespace {

constexpr int kWatchPauseMs = 100;

bool say(const std::string& line) {
    return std::fputs((line + "\n").c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

// False when whoever reads is gone.
bool pause_watching() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    return ::poll(&input, 1, kWatchPauseMs) == 0;
}

int watch(const std::string& uuid, int parent) {
    const auto backend = device::make_nvml_backend(uuid, "", parent);
    bool is_read = true;
    while (is_read) {
        const auto asked = std::chrono::steady_clock::now().time_since_epoch();
        const auto sample = backend->sample({});
        const auto asked_ns = std::chrono::nanoseconds{asked}.count();
        is_read = say(sample ? fmt::format("{} {}", asked_ns, wire::to_json(*sample))
                             : "!" + sample.error().message) &&
                  pause_watching();
    }
    return 0;
}

}  // namespace

int run_drill_watch(int count, char* const* arguments) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (count == 0) return say(wire::to_json(device::make_nvml_lister()->list())) ? 0 : 1;
    int parent = 0;
    const std::string_view text = count == 2 ? arguments[1] : "";
    std::from_chars(text.data(), text.data() + text.size(), parent);
    // It may have died before the first line.
    if (parent == 0 || ::getppid() != parent) return 2;
    return watch(arguments[0], parent);
}

}  // namespace windlass::cli
