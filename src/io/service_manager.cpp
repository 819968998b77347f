// One datagram for each thing that is said, as sd_notify(3) has it.
#include "io/service_manager.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>

#include "io/file_descriptor.h"

namespace windlass::io {
namespace {

std::string take_variable(const char* name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread
    const char* const value = std::getenv(name);
    std::string taken = value == nullptr ? "" : value;
    ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): the same
    return taken;
}

std::optional<std::int64_t> read_number(const std::string& text) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

base::Error not_heard(const std::string& socket, int error) {
    return system_error(error,
                        fmt::format("telling the service manager (NOTIFY_SOCKET={})", socket));
}

}  // namespace

ServiceOrder take_service_order() {
    ServiceOrder order{.socket = take_variable("NOTIFY_SOCKET")};
    const auto microseconds = read_number(take_variable("WATCHDOG_USEC"));
    const std::string pid = take_variable("WATCHDOG_PID");
    const bool is_ours = pid.empty() || read_number(pid) == ::getpid();
    if (is_ours && microseconds && *microseconds > 0)
        order.watchdog = std::chrono::microseconds{*microseconds};
    return order;
}

ServiceManager::ServiceManager(Loop& loop, ServiceOrder order)
    : order_(std::move(order)), beat_(loop, [this] { beat(); }) {}

base::Result<void> ServiceManager::say_ready() {
    WL_TRY(say("READY=1"));
    if (order_.watchdog > base::Duration{}) beat();
    return {};
}

// What cannot be said now may be said the next time; if not, it ends us, as it would without us.
void ServiceManager::beat() {
    static_cast<void>(say("WATCHDOG=1"));
    beat_.start(order_.watchdog / 2);
}

base::Result<void> ServiceManager::say(std::string_view what) const {
    const std::string& path = order_.socket;
    if (path.empty()) return {};
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof address.sun_path) return not_heard(path, ENAMETOOLONG);
    path.copy(&address.sun_path[0], path.size());
    if (path.front() == '@') address.sun_path[0] = '\0';
    const FileDescriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return not_heard(path, errno);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as the system has it
    const auto* const to = reinterpret_cast<const sockaddr*>(&address);
    if (::sendto(socket.number(), what.data(), what.size(), MSG_NOSIGNAL, to, size) < 0)
        return not_heard(path, errno);
    return {};
}

}  // namespace windlass::io
