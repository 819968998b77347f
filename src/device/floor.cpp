// Questions out, events in.
#include "device/floor.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "io/loop.h"

namespace windlass::device {

using base::Errc;

std::string_view to_text(Condition condition) {
    switch (condition) {
        case Condition::unknown: return "unknown";
        case Condition::sound: return "ok";
        case Condition::failing: return "failing";
        case Condition::unresponsive: return "unresponsive";
        case Condition::lost: return "lost";
    }
    return "";
}

namespace {

bool is_usable(const wire::HostListing& listing, std::string_view name) {
    return std::ranges::any_of(listing.drivers, [&](const Driver& driver) {
        return driver.name == name && driver.state == Driver::State::usable;
    });
}

bool is_broken(const Driver& driver) { return driver.state == Driver::State::broken; }

// What an error of a question says of the device.
Condition condition_after(Errc code) {
    constexpr std::array kUnanswered = {Errc::timeout, Errc::worker_lost, Errc::data_corrupt,
                                        Errc::unavailable};
    if (code == Errc::device_lost) return Condition::lost;
    return std::ranges::count(kUnanswered, code) > 0 ? Condition::unresponsive : Condition::failing;
}

constexpr const char* kUnlisted = "the driver does not list it any more";

Sample to_sample(const std::string& uuid, base::Instant asked, wire::HostSample said) {
    return {.uuid = uuid,
            .taken_at = asked,
            .capacity = said.capacity,
            .used = said.used,
            .free = said.free,
            .source = std::move(said.source),
            .processes_known = said.processes_known,
            .processes_source = std::move(said.processes_source),
            .processes = std::move(said.processes),
            .busy_percent = said.busy_percent};
}

bool shows_the_same(const Sample& one, const Sample& other) {
    return one.capacity == other.capacity && one.used == other.used && one.free == other.free &&
           one.processes_known == other.processes_known && one.processes == other.processes;
}

}  // namespace

struct Floor::Entry {
    Entry(Floor& floor, Device found, DriverHostOrder order)
        : device(std::move(found)),
          host(floor.loop_, floor.processes_, std::move(order), floor.limits()),
          next_sample(floor.loop_, [&floor, this] { floor.ask(*this); }) {}

    Device device;
    HostLink host;
    std::vector<Reply> waiting;  // for the answer that is under way
    std::vector<Reply> later;    // came after its question was sent: they want a newer one
    io::Timer next_sample;
    // CPU only. One of these may hang in the kernel and hold the lock that reading its memory
    // takes: the host hung while it measured them. As long as the workers are the same, it does not
    // again before that instant.
    std::vector<int> avoided_pids;
    base::Instant avoided_until{};
    std::vector<int> asked_pids;
    bool is_measuring = false;  // those that were asked for
    // The driver lists it no more. Whatever its host says with the handle that it has is of no use.
    bool is_unlisted = false;
    bool is_steady = false;  // it showed the same twice in a row
};

Floor::Floor(io::Loop& loop, FloorOptions options, std::function<void(const Event&)> on_event)
    : loop_(loop),
      options_(std::move(options)),
      on_event_(std::move(on_event)),
      processes_(loop, options_.executable, options_.environment),
      lister_(loop, processes_, {}, limits()),
      list_again_(loop, [this] { list(); }) {}

Floor::~Floor() = default;

void Floor::start() {
    Device cpu{.uuid = std::string{kCpu}, .kind = Kind::cpu};
    cpu.description.uuid = cpu.uuid;
    cpu.description.name = "CPU";
    ask(add(std::move(cpu)));
    const bool wants_gpus = options_.use != std::vector<std::string>{std::string{kCpu}};
    if (wants_gpus) list();
}

bool Floor::may_cpu_stand_in() const {
    if (options_.use.empty()) return listed_at_.has_value();
    return std::ranges::find(options_.use, kCpu) != options_.use.end() &&
           (is_cpu_only() || listed_at_);
}

std::vector<const Device*> Floor::devices() const {
    std::vector<const Device*> devices;
    devices.reserve(entries_.size());
    for (const auto& [uuid, entry] : entries_) devices.push_back(find(uuid));
    std::ranges::stable_partition(devices, [](const Device* d) { return d->kind == Kind::cpu; });
    return devices;
}

const Device* Floor::find(std::string_view uuid) const {
    const auto found = entries_.find(uuid);
    if (found == entries_.end()) return nullptr;
    Entry& entry = *found->second;
    entry.device.host_pid = entry.host.pid();
    return &entry.device;
}

Floor::Entry& Floor::add(Device device) {
    device.condition_since = loop_.now();
    const DriverHostOrder order{.device = device.uuid,
                                .bus_id = device.description.bus_id.value_or("")};
    const std::string uuid = device.uuid;
    std::unique_ptr<Entry>& entry = entries_[uuid];
    WL_ASSERT(!entry);
    entry = std::make_unique<Entry>(*this, std::move(device), order);
    ++revision_;
    on_event_(DeviceFound{.uuid = uuid});
    return *entry;
}

// --- which devices there are

void Floor::list() {
    if (is_finished_ || lister_.is_asking()) return;
    lister_.ask(wire::HostFrameType::ask_listing, {},
                [this](base::Result<std::string> meta) { on_listing(std::move(meta)); });
}

void Floor::on_listing(base::Result<std::string> meta) {
    list_again_.start(options_.list_interval);
    base::Result<wire::HostListing> listing =
        meta ? wire::parse_host_listing(*meta) : base::Result<wire::HostListing>{meta.error()};
    std::string trouble = listing ? "" : listing.error().message;
    const bool was_in_trouble = !listing_trouble_.empty();
    // The words change with each try; that it does not work is told once.
    const bool has_changed = was_in_trouble == trouble.empty();
    listing_trouble_ = std::move(trouble);
    if (has_changed) on_event_(ListingChanged{.trouble = listing_trouble_});
    if (listing) take(*listing);
}

void Floor::take(const wire::HostListing& listing) {
    listed_at_ = loop_.now();
    ++revision_;
    is_listing_whole_ = listing.is_complete && std::ranges::none_of(listing.drivers, is_broken);
    take_drivers(listing.drivers);
    for (const wire::HostDevice& found : listing.devices) {
        if (!is_wanted(found.uuid)) continue;
        const auto known = entries_.find(found.uuid);
        if (known == entries_.end()) {
            ask(add({.uuid = found.uuid, .kind = Kind::gpu, .description = found}));
            continue;
        }
        // What a sick driver does not say any more is still true.
        Entry& entry = *known->second;
        if (found.name) entry.device.description = found;
        entry.is_unlisted = false;
        if (entry.device.condition == Condition::lost && !entry.host.is_asking()) ask(entry);
    }
    tell_missing();
    // A driver that is gone as a whole, or cannot name all of its devices, says nothing of one.
    if (!listing.is_complete) return;
    for (auto& [uuid, entry] : entries_) {
        if (entry->device.kind == Kind::cpu || !is_usable(listing, driver_of(uuid))) continue;
        if (std::ranges::count(listing.devices, uuid, &wire::HostDevice::uuid) > 0) continue;
        entry->is_unlisted = true;
        turn(*entry, Condition::lost, kUnlisted);
    }
}

void Floor::tell_missing() {
    for (const std::string& uuid : options_.use) {
        const bool is_told = std::ranges::find(missing_told_, uuid) != missing_told_.end();
        if (is_told || entries_.contains(uuid)) continue;
        missing_told_.push_back(uuid);
        on_event_(DeviceMissing{.uuid = uuid});
    }
}

void Floor::take_drivers(const std::vector<Driver>& drivers) {
    const std::vector<Driver> before = std::exchange(drivers_, drivers);
    for (const Driver& driver : drivers) {
        const auto known = std::ranges::find(before, driver.name, &Driver::name);
        const bool is_same = known != before.end() && known->state == driver.state &&
                             known->version == driver.version;
        if (!is_same) on_event_(DriverChanged{.driver = driver});
    }
}

bool Floor::is_wanted(std::string_view uuid) const {
    return uuid != kCpu &&
           (options_.use.empty() || std::ranges::find(options_.use, uuid) != options_.use.end());
}

// --- how full they are

void Floor::sample(std::string_view uuid, Reply reply) {
    const auto found = entries_.find(uuid);
    if (found == entries_.end()) {
        const std::string message = fmt::format("there is no device {}", uuid);
        return loop_.post([message, reply = std::move(reply)]() mutable {
            reply(base::fail(Errc::not_found, message));
        });
    }
    Entry& entry = *found->second;
    entry.later.push_back(std::move(reply));
    if (!entry.host.is_asking()) ask(entry);
}

void Floor::ask(Entry& entry) {
    if (is_finished_ || entry.host.is_asking()) return;
    entry.next_sample.stop();
    entry.waiting = std::exchange(entry.later, {});
    wire::SampleOrder order;
    if (entry.device.kind == Kind::cpu && options_.worker_pids) {
        entry.asked_pids = options_.worker_pids();
        entry.is_measuring = may_measure(entry);
        if (entry.is_measuring) order.pids = entry.asked_pids;
    }
    entry.host.ask(wire::HostFrameType::ask_sample, wire::to_json(order),
                   [this, &entry, asked = loop_.now()](base::Result<std::string> meta) {
                       on_sample(entry, asked, std::move(meta));
                   });
}

// Not while the host that hung on them still does: another one would as well.
bool Floor::may_measure(const Entry& entry) const {
    if (entry.asked_pids != entry.avoided_pids) return true;
    return loop_.now() >= entry.avoided_until && !entry.host.has_stuck();
}

void Floor::on_sample(Entry& entry, base::Instant asked, base::Result<std::string> meta) {
    base::Result<wire::HostSample> said =
        meta ? wire::parse_host_sample(*meta) : base::Result<wire::HostSample>{meta.error()};
    base::Result<Sample> sample =
        said ? base::Result<Sample>{to_sample(entry.device.uuid, asked, std::move(*said))}
             : base::Result<Sample>{said.error()};
    if (entry.is_unlisted) sample = base::fail(Errc::device_lost, kUnlisted);
    std::vector<Reply> waiting = std::exchange(entry.waiting, {});
    if (!sample && sample.error().code == Errc::timeout && entry.is_measuring) {
        entry.avoided_pids = entry.asked_pids;
        entry.avoided_until = asked + options_.measure_again;
    }
    const std::optional<Sample>& before = entry.device.last;
    entry.is_steady = sample && before && shows_the_same(*before, *sample);
    if (sample) {
        if (!entry.is_measuring && !entry.asked_pids.empty()) sample->processes_known = false;
        entry.device.last = *sample;
        turn(entry, Condition::sound, {});
        on_event_(DeviceSampled{.sample = *sample});
    } else {
        turn(entry, condition_after(sample.error().code), sample.error().message);
    }
    for (Reply& reply : waiting) reply(sample);
    if (entry.host.is_asking()) return;  // one of them wanted more
    if (!entry.later.empty()) return ask(entry);
    entry.next_sample.start(interval_of(entry));
}

base::Duration Floor::interval_of(const Entry& entry) const {
    const bool is_at_rest = entry.device.kind == Kind::cpu || entry.is_steady;
    return is_at_rest ? options_.rest_interval : options_.sample_interval;
}

void Floor::turn(Entry& entry, Condition condition, std::string trouble) {
    Device& device = entry.device;
    device.trouble = trouble;
    if (device.condition == condition) return;
    const base::Instant now = loop_.now();
    const ConditionChanged changed{.uuid = device.uuid,
                                   .before = device.condition,
                                   .now = condition,
                                   .trouble = std::move(trouble),
                                   .lasted = now - device.condition_since};
    device.condition = condition;
    device.condition_since = now;
    ++revision_;
    on_event_(changed);
}

void Floor::finish(base::Duration limit) {
    is_finished_ = true;
    list_again_.stop();
    for (auto& [uuid, entry] : entries_) entry->next_sample.stop();
    processes_.finish(limit);
}

}  // namespace windlass::device
