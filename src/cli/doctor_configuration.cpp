// The configuration: whether it can be used, and whether its sums fit the devices.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"
#include "daemon/room_check.h"
#include "daemon/translate.h"

namespace windlass::cli {
namespace {

using base::Bytes;
using daemon::ModelConfiguration;

struct Place {
    std::string uuid;
    std::optional<Bytes> capacity;
    bool is_gpu = true;
};

// What there is to put models on. `is_whole`: what is not among them is not there.
struct Places {
    std::vector<Place> all;
    bool is_whole = false;
};

Places find_places(const DoctorView& view, const daemon::DevicesConfiguration& devices) {
    Places places;
    const bool is_cpu_only = devices.use.size() == 1 && devices.use.front() == "cpu";
    if (!is_cpu_only) {
        const SeenDevices seen = view.devices();
        places.is_whole = seen.listing && seen.listing->is_complete &&
                          std::ranges::none_of(seen.listing->drivers, [](const auto& driver) {
                              return driver.state == wire::HostDriver::State::broken;
                          });
        for (const SeenDevice& device : seen.devices) {
            const bool is_meant =
                devices.use.empty() || std::ranges::count(devices.use, device.device.uuid) > 0;
            if (!is_meant) continue;
            places.all.push_back(
                {.uuid = device.device.uuid,
                 .capacity = device.sample ? device.sample->capacity : std::optional<Bytes>{}});
        }
    }
    const auto host = view.host_memory();
    places.all.push_back({.uuid = "cpu",
                          .capacity = host ? host->capacity : std::optional<Bytes>{},
                          .is_gpu = false});
    return places;
}

bool may_use(const ModelConfiguration& model, const Place& place, bool has_gpu) {
    switch (model.devices) {
        case daemon::DeviceChoice::cpu: return !place.is_gpu;
        case daemon::DeviceChoice::listed:
            return std::ranges::count(model.device_uuids, place.uuid) > 0;
        case daemon::DeviceChoice::any: break;
    }
    return place.is_gpu || !has_gpu;
}

Bytes usable_of(const Place& place, Bytes headroom) {
    const Bytes capacity = place.capacity.value_or(Bytes{});
    return capacity - std::min(headroom, capacity);
}

// Of a place with this room; empty: nobody knows.
std::optional<Bytes> need_of(const ModelConfiguration& model, Bytes usable) {
    switch (model.need.kind) {
        case daemon::NeedKind::unknown: return std::nullopt;
        case daemon::NeedKind::bytes: return model.need.bytes;
        case daemon::NeedKind::share: return Bytes{usable.count() / 100 * model.need.percent};
        case daemon::NeedKind::all: break;
    }
    return usable;
}

void look_at_devices(const daemon::Configuration& configuration, const Places& places,
                     Report& report) {
    for (const Place& place : places.all) {
        if (!place.capacity || *place.capacity > configuration.devices.headroom) continue;
        report.add(FindingKind::headroom_too_large,
                   fmt::format("`headroom` is {}, and {} has {}",
                               base::to_text(configuration.devices.headroom), one_line(place.uuid),
                               base::to_text(*place.capacity)));
    }
    if (!places.is_whole) return;
    std::map<std::string, std::string> named;  // UUID to who names it
    for (const std::string& uuid : configuration.devices.use) named.emplace(uuid, "`use`");
    for (const ModelConfiguration& model : configuration.models) {
        for (const std::string& uuid : model.device_uuids) {
            named.emplace(uuid, "`devices` of " + model.name);
        }
    }
    for (const auto& [uuid, who] : named) {
        if (std::ranges::count(places.all, uuid, &Place::uuid) > 0) continue;
        report.add(FindingKind::device_not_there, fmt::format("{} names {}", who, one_line(uuid)));
    }
}

void look_at_need(const ModelConfiguration& model, const Places& places, Bytes headroom,
                  Report& report) {
    const bool has_gpu = std::ranges::any_of(places.all, &Place::is_gpu);
    std::string tried;
    for (const Place& place : places.all) {
        if (!may_use(model, place, has_gpu)) continue;
        const Bytes usable = usable_of(place, headroom);
        const auto need = need_of(model, usable);
        if (!need || !place.capacity || *need <= usable) return;
        tried += fmt::format("{}{} has {}", tried.empty() ? "" : ", ", one_line(place.uuid),
                             base::to_text(usable));
    }
    if (tried.empty()) return;
    report.add(FindingKind::need_too_large,
               fmt::format("{} needs {}; without `headroom` {}", model.name,
                           base::to_text(model.need.bytes), tried));
}

// What is asked of each device if every model that may be there is: more than there is means that
// they take turns.
void tell_sums(const daemon::Configuration& configuration, const Places& places, Report& report) {
    const bool has_gpu = std::ranges::any_of(places.all, &Place::is_gpu);
    for (const Place& place : places.all) {
        if (!place.capacity) continue;
        const Bytes usable = usable_of(place, configuration.devices.headroom);
        std::uint64_t pinned = 0;
        std::uint64_t all = 0;
        std::size_t unknown = 0;
        for (const ModelConfiguration& model : configuration.models) {
            if (!may_use(model, place, has_gpu)) continue;
            const auto need = need_of(model, usable);
            if (!need) ++unknown;
            // What is above any memory stays there.
            const std::uint64_t count =
                std::min(need.value_or(Bytes{}).count(), std::uint64_t{1} << 52);
            all += count;
            if (model.pinned) pinned += count;
        }
        report.tell(fmt::format("configuration.sum.{}", one_line(place.uuid)),
                    fmt::format("{} needed, {} of it pinned, {} models without `need`; {} usable",
                                base::to_text(Bytes{all}), base::to_text(Bytes{pinned}), unknown,
                                base::to_text(usable)));
    }
}

void look_at_room(const daemon::Configuration& configuration, const Places& places,
                  Report& report) {
    std::vector<core::DeviceSpec> specs;
    specs.reserve(places.all.size());
    for (const Place& place : places.all) {
        specs.push_back({.uuid = place.uuid,
                         .kind = place.is_gpu ? core::DeviceKind::gpu : core::DeviceKind::cpu,
                         .capacity = place.capacity});
    }
    const daemon::RoomVerdict verdict =
        daemon::judge_room(configuration.models, specs, configuration.devices.headroom);
    for (const daemon::Crowd& crowd : verdict.impossible) {
        report.add(FindingKind::pinned_too_large, crowd.message);
    }
    for (const daemon::Crowd& crowd : verdict.crowded) {
        report.add(FindingKind::models_take_turns, crowd.message);
    }
}

void look_at_programs(const DoctorView& view, const ModelConfiguration& model, Report& report) {
    if (model.command.empty()) return;
    const std::string program =
        daemon::to_launch_order(model, core::Generation{1}, "", view.environment).argv.front();
    if (find_program(view, program, model.env)) return;
    report.add(FindingKind::program_missing,
               fmt::format("{} starts {}, which is not there or not executable", model.name,
                           one_line(program)));
}

}  // namespace

void check_configuration(const DoctorView& view, Report& report) {
    const Plan plan = read_plan(view);
    report.tell("configuration",
                view.configuration + (plan.is_there ? "" : " (not there: the defaults count)"));
    if (!plan.is_there && view.is_configuration_given) {
        report.add(FindingKind::configuration_missing, view.configuration + " does not exist");
    }
    for (const daemon::Problem& problem : plan.loaded.problems) {
        report.add(problem.severity == daemon::Severity::error ? FindingKind::configuration_invalid
                                                               : FindingKind::configuration_notice,
                   one_line(daemon::to_text(problem)));
    }
    const daemon::Configuration& configuration = plan.configuration;
    report.tell("configuration.models", std::to_string(configuration.models.size()));
    if (configuration.models.empty()) return;
    for (const ModelConfiguration& model : configuration.models) {
        if (model.variant.empty()) look_at_programs(view, model, report);
    }
    const Places places = find_places(view, configuration.devices);
    look_at_devices(configuration, places, report);
    for (const ModelConfiguration& model : configuration.models) {
        look_at_need(model, places, configuration.devices.headroom, report);
    }
    tell_sums(configuration, places, report);
    look_at_room(configuration, places, report);
}

}  // namespace windlass::cli
