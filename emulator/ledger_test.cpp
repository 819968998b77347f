// The ledger among many processes, most of which are killed: what is left must be exactly what the
// living hold.
#include "emulator/ledger.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "emulator/node.h"
#include "emulator/pace.h"

namespace windlass::emulator {

namespace {

using base::Bytes;
using base::Errc;
using base::operator""_GiB;
using base::operator""_MiB;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kDeadlineNs = 60'000'000'000;

struct Folder {
    std::string path;

    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "wl_emulator_XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name + "/node";
    }
    ~Folder() { std::filesystem::remove_all(std::filesystem::path{path}.parent_path()); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

// A process that runs `body` and never returns from it.
template <class Body>
pid_t start(Body body) {
    const pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    return pid;
}

void end(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
}

// Memory that parent and children share.
template <class T>
T& shared() {
    void* memory =
        mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    return *static_cast<T*>(memory);
}

LedgerFile& map_ledger(const std::string& folder) {
    const int file = open((folder + "/ledger").c_str(), O_RDWR);
    void* memory = mmap(nullptr, sizeof(LedgerFile), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return *static_cast<LedgerFile*>(memory);
}

// Until `counter` reaches the value, or for a minute.
void await(const std::atomic<std::uint32_t>& counter, std::uint32_t value) {
    const std::uint64_t end = monotonic_ns() + kDeadlineNs;
    while (counter.load() < value && monotonic_ns() < end) sched_yield();
    REQUIRE(counter.load() >= value);
}

// Takes and gives back for ever; every step is counted.
void churn(const std::string& folder, unsigned seed, std::atomic<std::uint32_t>& steps) {
    const auto ledger = Ledger::open(folder);
    const auto membership = ledger->join(getpid());
    std::minstd_rand random{seed};
    std::vector<int> held;
    for (;;) {
        const bool takes = held.empty() || (held.size() < 20 && random() % 2 == 0);
        if (takes) {
            const int device = static_cast<int>(random() % 2);
            const auto record = ledger->allocate(membership->slot, device, random() % 64 * kMiB,
                                                 Ledger::Kind::memory);
            if (record) held.push_back(*record);
        } else {
            ledger->release(held.back());
            held.pop_back();
        }
        steps.fetch_add(1);
    }
}

}  // namespace

TEST_CASE("hundreds of processes killed at any instruction leave the books true") {
    const Folder folder;
    auto made = Node::make(folder.path, "2x24GiB,teardown=0s");
    REQUIRE(made.has_value());
    const Node node = std::move(made).value();
    auto& steps = shared<std::array<std::atomic<std::uint32_t>, 4>>();
    constexpr unsigned kKills = 400;
    std::minstd_rand random{7};
    std::array<pid_t, 4> pids = {};
    for (unsigned kill_index = 0; kill_index < kKills; ++kill_index) {
        const std::size_t place = kill_index % pids.size();
        if (pids[place] != 0) end(pids[place]);
        steps[place] = 0;
        pids[place] = start([&] { churn(folder.path, kill_index + 1, steps[place]); });
        await(steps[place], static_cast<std::uint32_t>(random() % 50));
        if (kill_index % 8 == 0) REQUIRE(node.is_consistent());
    }
    for (const pid_t pid : pids) end(pid);
    CHECK(node.is_consistent());
    CHECK(node.truth(0).used == Bytes{0});
    CHECK(node.truth(1).used == Bytes{0});
    CHECK(node.process_count() == 0);
    MESSAGE(kKills << " kills, " << node.owner_deaths() << " of them with the mutex held");
}

TEST_CASE("a death between any two steps of a change is put right by whoever comes next") {
    const Folder folder;
    auto made = Node::make(folder.path, "1x24GiB,teardown=0s");
    REQUIRE(made.has_value());
    const Node node = std::move(made).value();
    const auto ledger = Ledger::open(folder.path);
    const auto living = ledger->join(getpid());
    REQUIRE(ledger->allocate(living->slot, 0, kMiB, Ledger::Kind::memory).has_value());

    Record::State state = Record::State::reserved;
    std::uint64_t counted_bytes = 0;
    SUBCASE("reserved, not yet counted") {}
    SUBCASE("reserved and counted") { counted_bytes = 7 * kMiB; }
    SUBCASE("freeing, still counted") {
        state = Record::State::freeing;
        counted_bytes = 7 * kMiB;
    }
    SUBCASE("freeing, no longer counted") { state = Record::State::freeing; }
    const pid_t pid = start([&] {
        LedgerFile& file = map_ledger(folder.path);
        const auto own = Ledger::open(folder.path);
        const auto membership = own->join(getpid());
        pthread_mutex_lock(&file.mutex);
        file.record_end = 3;
        file.records[2] = {.state = state,
                           .slot = static_cast<std::int16_t>(membership->slot),
                           .device = 0,
                           .bytes = 7 * kMiB,
                           .allocation = 99,
                           .is_exported = 0};
        file.devices[0].used_bytes += counted_bytes;
        raise(SIGKILL);
    });
    waitpid(pid, nullptr, 0);
    CHECK(node.is_consistent());
    CHECK(node.owner_deaths() == 1);
    CHECK(node.truth(0).used == 1_MiB);
    CHECK(node.process_count() == 1);
    ledger->leave(*living);
}

TEST_CASE("a forked child keeps its parent's memory until it ends too") {
    const Folder folder;
    auto made = Node::make(folder.path, "1x24GiB,teardown=0s");
    REQUIRE(made.has_value());
    const Node node = std::move(made).value();
    auto& ready = shared<std::atomic<std::uint32_t>>();
    auto& child = shared<std::atomic<pid_t>>();
    const pid_t parent = start([&] {
        const auto ledger = Ledger::open(folder.path);
        const auto membership = ledger->join(getpid());
        ledger->allocate(membership->slot, 0, 100 * kMiB, Ledger::Kind::context);
        child = start([] { pause(); });
        ready = 1;
        pause();
    });
    await(ready, 1);
    end(parent);
    CHECK(node.truth(0).used == 100_MiB);
    REQUIRE(node.truth(0).processes.size() == 1);
    CHECK(node.truth(0).processes[0].pid == parent);
    kill(child, SIGKILL);
    // Its parent is dead, so it is not ours to wait for.
    const std::uint64_t deadline = monotonic_ns() + kDeadlineNs;
    while (node.truth(0).used != Bytes{0} && monotonic_ns() < deadline) sched_yield();
    CHECK(node.truth(0).used == Bytes{0});
}

TEST_CASE("memory of the dead comes back after the teardown, late, or never") {
    const Folder folder;
    auto made = Node::make(folder.path, "1x24GiB,teardown=0s");
    REQUIRE(made.has_value());
    Node node = std::move(made).value();
    auto& ready = shared<std::atomic<std::uint32_t>>();
    const auto hold = [&] {
        ready = 0;
        const pid_t pid = start([&] {
            const auto ledger = Ledger::open(folder.path);
            const auto membership = ledger->join(getpid());
            ledger->allocate(membership->slot, 0, kMiB, Ledger::Kind::context);
            ready = 1;
            pause();
        });
        await(ready, 1);
        end(pid);
    };
    SUBCASE("never, until the fault is over") {
        node.set_fault(0, Fault::release_never);
        hold();
        CHECK(node.truth(0).used == 1_MiB);
        CHECK(node.truth(0).processes.empty());
        node.set_fault(0, Fault::release_never, 0);
        CHECK(node.truth(0).used == Bytes{0});
    }
    SUBCASE("never, until the device is reset") {
        node.set_fault(0, Fault::release_never);
        hold();
        node.reset(0);
        CHECK(node.truth(0).used == Bytes{0});
    }
    SUBCASE("late") {
        node.set_fault(0, Fault::release_late, 200);
        const std::uint64_t before = monotonic_ns();
        hold();
        CHECK(node.truth(0).used == 1_MiB);
        while (node.truth(0).used != Bytes{0} && monotonic_ns() < before + kDeadlineNs)
            sched_yield();
        CHECK(monotonic_ns() - before >= 200'000'000);
        CHECK(node.truth(0).used == Bytes{0});
    }
}

TEST_CASE("a device never gives out more than it has") {
    const Folder folder;
    auto made = Node::make(folder.path, "1x1GiB,reserved=100MiB");
    REQUIRE(made.has_value());
    Node node = std::move(made).value();
    const auto ledger = Ledger::open(folder.path);
    const auto membership = ledger->join(getpid());
    REQUIRE(membership.has_value());
    const auto take = [&](std::uint64_t mebibytes) {
        return ledger->allocate(membership->slot, 0, mebibytes * kMiB, Ledger::Kind::memory);
    };
    CHECK_FALSE(take(925).has_value());
    const auto record = take(924);
    REQUIRE(record.has_value());
    CHECK(node.truth(0).used == 1_GiB);
    CHECK_FALSE(take(1).has_value());
    ledger->release(*record);
    REQUIRE(node.set_stranger(0, 0, 900_MiB).has_value());
    CHECK_FALSE(take(25).has_value());
    CHECK(take(24).has_value());
    node.clear_strangers(0);
    node.set_fault(0, Fault::out_of_memory, 2 * kMiB);
    CHECK_FALSE(take(2).has_value());
    CHECK(take(1).has_value());
}

TEST_CASE("a process that closed its descriptors and lives on gets nothing more") {
    const Folder folder;
    const auto node = Node::make(folder.path, "1x1GiB,teardown=0s").value();
    const auto ledger = Ledger::open(folder.path);
    const auto other = ledger->join(getpid());
    const auto closed = ledger->join(getpid());
    REQUIRE((other && closed && closed->slot > other->slot));
    const auto take = [&](int slot) {
        return ledger->allocate(slot, 0, kMiB, Ledger::Kind::memory).has_value();
    };
    CHECK(take(closed->slot));
    close(closed->descriptor);
    CHECK(node.truth(0).used == 0_MiB);
    CHECK_FALSE(take(closed->slot));
    CHECK(take(other->slot));
    CHECK(node.truth(0).used == 1_MiB);
}

TEST_CASE("a stranger that is there already has its amount replaced, whoever left before it") {
    const Folder folder;
    auto node = Node::make(folder.path, "1x8GiB").value();
    REQUIRE(node.set_stranger(0, 41, 1_GiB).has_value());
    REQUIRE(node.set_stranger(0, 42, 2_GiB).has_value());
    REQUIRE(node.set_stranger(0, 41, 0_MiB).has_value());
    CHECK(node.truth(0).used == 2_GiB);
    REQUIRE(node.set_stranger(0, 42, 3_GiB).has_value());
    CHECK(node.truth(0).used == 3_GiB);
    REQUIRE(node.set_stranger(0, 42, 0_MiB).has_value());
    CHECK(node.truth(0).used == 0_MiB);
}

TEST_CASE("a node in use is not replaced, and what is no node is not taken for one") {
    const Folder folder;
    REQUIRE(Node::make(folder.path, "1x1GiB").has_value());
    const auto ledger = Ledger::open(folder.path);
    const auto membership = ledger->join(getpid());
    CHECK(Node::make(folder.path, "1x2GiB").error().code == Errc::conflict);
    ledger->leave(*membership);
    CHECK(Node::make(folder.path, "1x2GiB").has_value());
    CHECK(Node::open(folder.path + "/none").error().code == Errc::not_found);
    std::filesystem::resize_file(folder.path + "/ledger", 100);
    CHECK(Node::open(folder.path).error().code == Errc::data_corrupt);
}

TEST_CASE("a node whose books somebody frozen keeps locked is in use, and not waited for") {
    const Folder folder;
    REQUIRE(Node::make(folder.path, "1x1GiB").has_value());
    const pid_t frozen = start([&] {
        pthread_mutex_lock(&map_ledger(folder.path).mutex);
        raise(SIGSTOP);
    });
    int status = 0;
    REQUIRE(waitpid(frozen, &status, WUNTRACED) == frozen);
    REQUIRE(WIFSTOPPED(status));
    CHECK(Node::make(folder.path, "1x2GiB").error().code == Errc::conflict);
    end(frozen);
    CHECK(Node::make(folder.path, "1x2GiB").has_value());
}

TEST_CASE("devices are found by index, UUID and the beginning of one") {
    const Folder folder;
    const auto node = Node::make(folder.path, "12x1GiB");
    REQUIRE(node.has_value());
    CHECK(device_uuid(11) == "GPU-e0000000-0000-0000-0000-00000000000b");
    CHECK(node->find_device("11") == 11);
    CHECK(node->find_device(device_uuid(3)) == 3);
    CHECK_FALSE(node->find_device("GPU-e").has_value());
    CHECK_FALSE(node->find_device("12").has_value());
}

}  // namespace windlass::emulator
