// Reads what `windlass drill-watch` writes: lines of "AGE_NS JSON" and "!TROUBLE".
#include "cli/drill_observer.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "wire/host_message.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Errc;
using base::Result;

namespace {

// Opening the driver of a machine with many GPUs takes long.
constexpr std::chrono::seconds kFirstAnswer{60};

constexpr const char* kNobodyNamed =
    "the driver does not say who holds its memory; in a container, give it the host's PID "
    "namespace";

Look to_look(const wire::HostSample& sample, Duration at) {
    Look look{.at = at,
              .used = sample.used.value_or(base::Bytes{0}),
              .free = sample.free.value_or(base::Bytes{0})};
    for (const wire::HostProcess& process : sample.processes) {
        look.holdings.push_back({.pid = process.pid,
                                 .part = process.branch.value_or(0),
                                 .bytes = process.bytes.value_or(base::Bytes{0})});
    }
    return look;
}

Bytes less(Bytes from, Bytes what) { return from - std::min(from, what); }

// All but what listed strangers hold.
Bytes without_strangers(const Look& look) {
    Bytes rest = look.used;
    for (const Holding& holding : look.holdings) {
        if (holding.part == 0) rest = less(rest, holding.bytes);
    }
    return rest;
}

Result<wire::HostListing> list(Stage& stage, const Variables& environment) {
    Part* const lister = WL_TRY(stage.start("list", {"drill-watch"}, environment));
    std::vector<std::string> lines;
    const bool is_listed = stage.wait_until(
        [&] {
            const bool has_ended = lister->has_ended();  // first: then all that it said is there
            lines = lister->take_lines();
            return !lines.empty() || has_ended;
        },
        kFirstAnswer);
    WL_TRY(stage.check());
    if (!is_listed || lines.empty()) {
        return base::fail(Errc::timeout,
                          "the driver does not say which devices there are; is it hanging? "
                          "`nvidia-smi` should answer");
    }
    return wire::parse_host_listing(lines.front());
}

}  // namespace

Result<std::vector<DeviceOffer>> find_devices(Stage& stage, const Variables& environment) {
    const wire::HostListing listing = WL_TRY(list(stage, environment));
    std::vector<DeviceOffer> offers;
    std::string why = "this machine has GPUs, but none answers";
    Errc code = Errc::unavailable;
    for (const wire::HostDevice& device : listing.devices) {
        const auto observer = WL_TRY(Observer::make(stage, device.uuid, environment));
        const auto look = observer->wait_for_first(kFirstAnswer);
        WL_TRY(stage.check());
        if (!look) {  // nothing is to be done there
            why += fmt::format("; {}: {}", device.uuid, look.error().message);
            continue;
        }
        offers.push_back(
            {.uuid = device.uuid, .name = device.name.value_or(""), .free = look->free});
    }
    std::ranges::stable_sort(offers, std::ranges::greater{}, &DeviceOffer::free);
    if (!offers.empty()) return offers;
    if (listing.devices.empty()) {
        code = Errc::driver_missing;
        why = "this machine has no GPU";
    }
    for (const wire::HostDriver& driver : listing.drivers) {
        if (driver.state == wire::HostDriver::State::usable) continue;
        code = Errc::driver_missing;
        why = driver.message;  // which library it was, and what to do
    }
    return base::fail(code, why + " (without --real the drill uses emulated devices)");
}

Result<std::unique_ptr<Observer>> Observer::make(Stage& stage, const std::string& uuid,
                                                 const Variables& environment) {
    Part* const part = WL_TRY(
        stage.start("watch", {"drill-watch", uuid, fmt::format("{}", ::getpid())}, environment));
    return std::unique_ptr<Observer>{new Observer{stage, *part}};
}

void Observer::pump() {
    for (const std::string& line : part_.take_lines()) {
        if (line.starts_with('!')) {
            trouble_ = line.substr(1);
            continue;
        }
        std::int64_t asked_ns = 0;
        const auto [end, failed] =
            std::from_chars(line.data(), line.data() + line.size(), asked_ns);
        if (failed != std::errc{}) continue;
        const auto json = static_cast<std::size_t>(end - line.data());
        const auto sample = wire::parse_host_sample(std::string_view{line}.substr(json));
        if (!sample || !sample->used) {
            trouble_ = "the driver does not say how full the device is";
        } else {
            trouble_ = sample->processes_known ? "" : kNobodyNamed;
            // The watcher and we read the same clock.
            const std::chrono::steady_clock::time_point asked{std::chrono::nanoseconds{asked_ns}};
            const Duration age = std::chrono::steady_clock::now() - asked;
            Look look = to_look(*sample, stage_.now() - age);
            if (looks_.empty()) before_ = without_strangers(look);
            look.ours = less(without_strangers(look), before_);
            looks_.push_back(std::move(look));
        }
    }
}

Result<Look> Observer::wait_for_first(Duration limit) {
    stage_.wait_until(
        [this] {
            pump();
            return !looks_.empty() || !trouble_.empty();
        },
        limit);
    WL_TRY(stage_.check());
    if (!looks_.empty()) return looks_.front();
    return base::fail(Errc::unavailable,
                      trouble_.empty() ? "the driver does not answer" : trouble_);
}

std::optional<Look> Observer::wait_for(const std::function<bool(const Look&)>& is_so,
                                       Duration limit) {
    const Duration begin = stage_.now();
    std::size_t next = looks_.size();
    std::optional<Look> found;
    stage_.wait_until(
        [&] {
            pump();
            for (; next < looks_.size() && !found; ++next) {
                if (looks_[next].at >= begin && is_so(looks_[next])) found = looks_[next];
            }
            return found.has_value();
        },
        limit);
    return found;
}

std::optional<Look> Observer::wait_for_next(Duration limit) {
    return wait_for([](const Look&) { return true; }, limit);
}

}  // namespace windlass::cli::drill
