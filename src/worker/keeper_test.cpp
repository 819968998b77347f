// The keeper and the daemon's end of it, and what a start finds of former daemons.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "io/read_file.h"
#include "worker/environment.h"
#include "worker/keeper_link.h"
#include "worker/leftovers.h"
#include "worker/tag_search.h"
#include "worker/tagged_processes.h"
#include "worker/testing/bench.h"

namespace fs = std::filesystem;
namespace base = windlass::base;
namespace io = windlass::io;
namespace worker = windlass::worker;
using io::testing::run_until;
using namespace std::chrono_literals;

namespace {

const std::string kId = worker::testing::unique_id();
const worker::ClearUpOptions kPatient{.limit = 30s, .searcher = WL_TEST_SHIM};

// A daemon's folder, a keeper, and stray processes with the daemon's tag.
struct Home {
    explicit Home(const char* executable = WL_TEST_SHIM)
        : link(loop, record(), executable,
               [this](const worker::KeeperEvent& event) { events.push_back(event); }) {}

    ~Home() {
        for (const auto& stray : strays) {
            stray->signal_group(SIGKILL);
            CHECK(stray->wait_for_exit(30s));
            stray->reap();
        }
    }
    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;

    worker::DaemonRecord record() const {
        fs::create_directories(folder + "/worker-1-abc");
        return {.daemon_id = kId,
                .pid_space = io::pid_space(),
                .daemon = io::find_identity(::getpid()).value(),
                .folder = folder,
                .cgroup = {},
                .workers = {}};
    }
    template <class Kind>
    std::vector<Kind> all() const {
        std::vector<Kind> found;
        for (const auto& event : events) {
            if (const auto* known = std::get_if<Kind>(&event)) found.push_back(*known);
        }
        return found;
    }
    // A process with that tag, in a session of its own.
    const io::Process& start_stray(const std::string& tag) {
        const io::SpawnOrder order{.executable = "/bin/sleep",
                                   .argv = {"sleep", "1000"},
                                   .environment = {"A=B", "WINDLASS_WORKER=" + tag, "Z=Z"},
                                   .descriptors = {}};
        auto& stray =
            strays.emplace_back(io::Process::spawn(loop, order, [this] { ++dead_strays; }).value());
        // spawn() returns within the exec, when the new environment may not be shown yet.
        const std::string environment = "/proc/" + std::to_string(stray->pid()) + "/environ";
        for (int tries = 0; tries < 1'000'000; ++tries) {
            if (io::read_file(environment, 4096).value_or("").contains("Z=Z")) break;
        }
        return *stray;
    }

    const base::testing::ScratchDirectory scratch;
    const std::string folder = scratch.path + "/run/" + kId;
    io::Loop loop;
    std::vector<worker::KeeperEvent> events;
    int dead_strays = 0;
    std::vector<std::unique_ptr<io::Process>> strays;
    worker::KeeperLink link;
};

}  // namespace

TEST_CASE("a keeper that is told to finish clears up and ends") {
    Home home;
    home.link.start();
    REQUIRE(home.all<worker::KeeperStarted>().size() == 1);
    home.start_stray(kId + "/12");
    home.start_stray("ffff" + kId.substr(4) + "/12");
    CHECK(home.link.finish(30s) == worker::KeeperEnd::done);
    CHECK(run_until(home.loop, [&] { return home.dead_strays > 0; }));
    CHECK(home.dead_strays == 1);  // the other daemon's lives
    CHECK_FALSE(fs::exists(home.folder));
    CHECK_FALSE(home.link.pid().has_value());
}

TEST_CASE("a keeper that dies is replaced, at once and then more slowly, and told again") {
    Home home;
    home.link.start();
    home.link.add(1, ::getpid());  // any process that lives
    for (std::size_t times = 1; times <= 3; ++times) {
        const auto pid = home.link.pid();
        REQUIRE(pid.has_value());
        REQUIRE(::kill(*pid, SIGKILL) == 0);
        REQUIRE(run_until(home.loop,
                          [&] { return home.all<worker::KeeperStarted>().size() == times + 1; }));
        CHECK(home.link.pid() != pid);
    }
    const auto lost = home.all<worker::KeeperLost>();
    REQUIRE(lost.size() == 3);
    CHECK(lost[0].retry_after == 0s);
    CHECK(lost[1].retry_after == 100ms);
    CHECK(lost[2].retry_after == 200ms);
    CHECK(lost[0].why.contains("SIGKILL"));
    home.link.remove(1);
    CHECK(home.link.finish(30s) == worker::KeeperEnd::done);
}

TEST_CASE("a keeper that cannot be started is tried again") {
    Home home{"/nowhere/windlass"};
    home.link.start();
    REQUIRE(run_until(home.loop, [&] { return home.all<worker::KeeperLost>().size() == 3; }));
    CHECK(home.all<worker::KeeperStarted>().empty());
    CHECK_FALSE(home.all<worker::KeeperLost>()[0].pid.has_value());
    CHECK(home.link.finish(0s) == worker::KeeperEnd::missing);
}

TEST_CASE("the record in the folder names the workers that live") {
    Home home;
    home.link.start();
    home.link.add(4, ::getpid());
    home.link.add(5, ::getppid());
    home.link.remove(4);
    worker::DaemonRecordReader reader;
    reader.feed(io::read_file(worker::record_path(home.folder), 4096).value());
    CHECK(reader.record().daemon_id == kId);
    CHECK(reader.record().workers ==
          std::map<std::uint64_t, io::ProcessIdentity>{{5, *io::find_identity(::getppid())}});
    home.link.remove(5);
    CHECK(home.link.finish(30s) == worker::KeeperEnd::done);
}

TEST_CASE("a start clears up after daemons that are dead, and after no other") {
    Home home;
    const std::string run = home.scratch.path + "/run";
    worker::DaemonRecord living = home.record();
    std::ofstream{worker::record_path(home.folder)} << worker::encode(living);
    const std::string dead_id = "dead" + kId.substr(4);
    fs::create_directories(run + "/" + dead_id + "/worker-1-xyz/deep");
    fs::create_directories(run + "/not-a-daemon");
    worker::DaemonRecord dead = living;
    dead.daemon_id = dead_id;
    dead.daemon.start_ticks += 1;
    std::ofstream{worker::record_path(run + "/" + dead_id)} << worker::encode(dead);
    home.start_stray(dead_id + "/3");
    home.start_stray(kId + "/3");

    const worker::DeadDaemons found = worker::clear_up_all(run, "1111111111111111", kPatient);
    CHECK(found.daemon_count == 1);
    CHECK(found.process_count == 1);
    CHECK(found.kept == std::vector<std::string>{home.folder});  // we live
    CHECK(fs::exists(run + "/not-a-daemon"));
    CHECK_FALSE(fs::exists(run + "/" + dead_id));
    CHECK(run_until(home.loop, [&] { return home.dead_strays > 0; }));
    CHECK(home.dead_strays == 1);
    // Its own is not a former one.
    CHECK(worker::clear_up_all(run, kId, kPatient).daemon_count == 0);
}

TEST_CASE("a tag is a whole entry of the environment, and a generation a whole number") {
    Home home;
    const std::string tag = kId + "/1";
    const io::Process& twelve = home.start_stray(tag + "2");
    home.start_stray("x\nWINDLASS_WORKER=" + tag);
    const auto kill_all = [](const std::string& wanted, std::set<pid_t> skipped = {}) {
        return worker::kill_tagged({.tag = wanted, .skipped = std::move(skipped), .on_look = {}})
            .killed;
    };
    CHECK(kill_all(worker::tag_of(kId, 1)).empty());
    CHECK(kill_all(worker::tag_of(kId, std::nullopt), {twelve.pid()}).empty());
    const auto killed = kill_all(worker::tag_of(kId, std::nullopt));
    REQUIRE(killed.size() == 1);
    CHECK(killed[0].pid == twelve.pid());
}
