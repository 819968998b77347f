// For tests: what every backend of a device must do. A world has one device, on which the test says
// who holds what.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "device/backend.h"
#include "device/device.h"

namespace windlass::device::testing {

class DeviceWorld {
  public:
    DeviceWorld() = default;
    DeviceWorld(const DeviceWorld&) = delete;
    DeviceWorld& operator=(const DeviceWorld&) = delete;
    virtual ~DeviceWorld() = default;

    virtual std::unique_ptr<Backend> open(int daemon_pid) = 0;
    // A process that lives has so much of the device from now on; 0: it holds nothing any more.
    virtual void hold(int pid, base::Bytes bytes) = 0;
    virtual void hide(int pid) = 0;  // it is still there, and how much it has is not told
    // Whether the driver knows who descends from whom, and whether the device can go: not the CPU.
    bool is_gpu = true;
    virtual void lose() {}
    virtual void bring_back() {}
};

inline base::Bytes gib(std::uint64_t count) { return base::Bytes{count << 30U}; }

inline wire::HostSample look(Backend& backend) {
    const base::Result<wire::HostSample> sample = backend.sample({.pids = {::getpid()}});
    REQUIRE(sample.has_value());
    // It says the same when it comes out of the driver host.
    CHECK(wire::parse_host_sample(wire::to_json(*sample)).value() == *sample);
    return *sample;
}

inline const wire::HostProcess* find_process(const wire::HostSample& sample, int pid) {
    const auto found = std::ranges::find(sample.processes, pid, &wire::HostProcess::pid);
    return found == sample.processes.end() ? nullptr : &*found;
}

inline void check_memory(DeviceWorld& world) {
    const auto backend = world.open(0);
    const wire::HostSample before = look(*backend);
    REQUIRE((before.capacity && before.used && before.free));
    const base::Bytes used = before.used.value_or(base::Bytes{});
    const base::Bytes free = before.free.value_or(base::Bytes{});
    CHECK(before.capacity == used + free);
    CHECK_FALSE(before.source.empty());
    CHECK(before.processes.empty());
    CHECK(before.processes_known);
    world.hold(::getpid(), gib(3));
    const wire::HostSample held = look(*backend);
    CHECK(held.capacity == before.capacity);
    CHECK(held.used == used + gib(3));
    CHECK(held.free == free - gib(3));
    const wire::HostProcess* const process = find_process(held, ::getpid());
    REQUIRE(process != nullptr);
    CHECK(held.processes.size() == 1);
    CHECK(process->bytes == gib(3));
    CHECK(process->name.has_value());
    CHECK(process->session.has_value());
    CHECK(held.processes_known);
    CHECK_FALSE(held.processes_source.empty());
    world.hold(::getpid(), gib(0));
    const wire::HostSample after = look(*backend);
    CHECK(after.processes.empty());
    CHECK(after.used == before.used);
}

inline void check_unknown(DeviceWorld& world) {
    const auto backend = world.open(0);
    const base::Bytes before = look(*backend).used.value_or(base::Bytes{});
    world.hold(::getpid(), gib(2));
    world.hide(::getpid());
    const wire::HostSample hidden = look(*backend);
    REQUIRE(find_process(hidden, ::getpid()) != nullptr);
    CHECK_FALSE(find_process(hidden, ::getpid())->bytes.has_value());
    CHECK_FALSE(hidden.processes_known);
    CHECK(hidden.used == before + gib(2));
}

inline void check_strangers(DeviceWorld& world) {
    world.hold(::getpid(), gib(2));
    world.hold(::getppid(), gib(1));
    const wire::HostSample seen = look(*world.open(::getppid()));
    CHECK(find_process(seen, ::getpid())->branch == ::getpid());
    CHECK(find_process(seen, ::getppid())->branch == 0);
    CHECK_FALSE(find_process(look(*world.open(0)), ::getpid())->branch.has_value());
}

inline void check_loss(DeviceWorld& world) {
    const auto backend = world.open(0);
    look(*backend);
    world.lose();
    const auto lost = backend->sample({});
    REQUIRE_FALSE(lost.has_value());
    CHECK(lost.error().code == base::Errc::device_lost);
    world.bring_back();
    look(*backend);
}

template <class World>
void check_device() {
    SUBCASE("how full it is and who holds what, before, meanwhile and after") {
        World world;
        check_memory(world);
    }
    SUBCASE("what is not told is unknown and not 0") {
        World world;
        check_unknown(world);
    }
    SUBCASE("strangers are told from what descends from the daemon") {
        World world;
        if (world.is_gpu) check_strangers(world);
    }
    SUBCASE("one that is gone is lost, and is itself again when it comes back") {
        World world;
        if (world.is_gpu) check_loss(world);
    }
}

}  // namespace windlass::device::testing
