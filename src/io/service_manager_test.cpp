// What a service manager hears, on a socket of the test's own.
#include "io/service_manager.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "io/file_descriptor.h"
#include "io/loop.h"
#include "io/readiness.h"
#include "io/testing/run_until.h"

using namespace std::chrono_literals;
namespace io = windlass::io;
using io::testing::run_until;

namespace {

// An abstract socket, as systemd's own; the kernel picks no name for two processes.
class Manager {
  public:
    explicit Manager(io::Loop& loop)
        : name_("@windlass-test-" + std::to_string(::getpid())),
          socket_(std::make_unique<io::Readiness>(
              loop, io::FileDescriptor{
                        ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)})) {
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        name_.copy(&address.sun_path[0], name_.size());
        address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as the system has it
        const auto* const at = reinterpret_cast<const sockaddr*>(&address);
        REQUIRE(::bind(socket_->descriptor(), at, size) == 0);
        listen();
    }
    const std::string& name() const { return name_; }

    std::vector<std::string> heard;

  private:
    void listen() {
        socket_->when_readable([this] {
            std::array<char, 64> text{};
            ssize_t size = 0;
            while ((size = ::recv(socket_->descriptor(), text.data(), text.size(), 0)) > 0)
                heard.emplace_back(text.data(), static_cast<std::size_t>(size));
            listen();
        });
    }

    std::string name_;
    std::unique_ptr<io::Readiness> socket_;
};

// NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
bool is_set(const char* name) { return std::getenv(name) != nullptr; }
// NOLINTEND(concurrency-mt-unsafe)

}  // namespace

TEST_CASE("[R88] a manager that watches hears that we are ready, and then that the loop turns") {
    io::Loop loop;
    Manager manager{loop};
    io::ServiceManager told{loop, {.socket = manager.name(), .watchdog = 40ms}};
    REQUIRE(told.say_ready());
    CHECK(run_until(loop, [&] { return manager.heard.size() >= 4; }));
    CHECK(manager.heard[0] == "READY=1");
    for (std::size_t i = 1; i < 4; ++i) CHECK(manager.heard[i] == "WATCHDOG=1");
    REQUIRE(told.say_stopping());
    CHECK(run_until(loop, [&] { return manager.heard.back() == "STOPPING=1"; }));
}

TEST_CASE("one that does not watch hears only what there is to say") {
    io::Loop loop;
    Manager manager{loop};
    io::ServiceManager told{loop, {.socket = manager.name()}};
    REQUIRE(told.say_ready());
    REQUIRE(told.say_stopping());
    CHECK(run_until(loop, [&] { return manager.heard.size() >= 2; }));
    CHECK(manager.heard == std::vector<std::string>{"READY=1", "STOPPING=1"});
}

TEST_CASE("without a manager nothing is said, and one that is not there is an error") {
    io::Loop loop;
    CHECK(io::ServiceManager{loop, {}}.say_ready());
    const auto told = io::ServiceManager{loop, {.socket = "/nowhere/notify"}}.say_ready();
    REQUIRE_FALSE(told);
    CHECK(told.error().message.find("NOTIFY_SOCKET=/nowhere/notify") != std::string::npos);
    const std::string long_path(200, 'x');
    CHECK_FALSE(io::ServiceManager{loop, {.socket = long_path}}.say_ready());
}

TEST_CASE("orders are taken out of the environment; another process's watchdog is not ours") {
    CHECK(io::take_service_order().socket.empty());
    set("NOTIFY_SOCKET", "/run/notify");
    set("WATCHDOG_USEC", "3000000");
    set("WATCHDOG_PID", std::to_string(::getpid()));
    const io::ServiceOrder ours = io::take_service_order();
    CHECK(ours.socket == "/run/notify");
    CHECK(ours.watchdog == 3s);
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
        CHECK_FALSE(is_set(name));

    set("NOTIFY_SOCKET", "/run/notify");
    set("WATCHDOG_USEC", "3000000");
    set("WATCHDOG_PID", "1");
    CHECK(io::take_service_order().watchdog == 0s);
    set("NOTIFY_SOCKET", "/run/notify");
    set("WATCHDOG_USEC", "soon");
    CHECK(io::take_service_order().watchdog == 0s);
}
