// JSON of the devices API to plain values.
#include "cli/device_json.h"

#include <boost/json.hpp>

#include "cli/json_fields.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

// A number that was measured stands in an object of its own, with its source and age.
std::optional<std::uint64_t> read_bytes(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_object()) return std::nullopt;
    return read_count(value->get_object(), "bytes");
}

std::optional<double> read_age(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_object()) return std::nullopt;
    return read_number(value->get_object(), "age_s");
}

DeviceState to_device(const json::object& object) {
    DeviceState device{.uuid = read_text(object, "uuid"),
                       .kind = read_text(object, "kind"),
                       .name = read_text(object, "name"),
                       .compute_capability = read_text(object, "compute_capability"),
                       .driver_version = read_text(object, "driver_version"),
                       .state = read_text(object, "state"),
                       .trouble = read_text(object, "trouble"),
                       .capacity_bytes = read_bytes(object, "capacity"),
                       .used_bytes = read_bytes(object, "used"),
                       .used_peak_bytes = read_bytes(object, "used_peak"),
                       .free_bytes = read_bytes(object, "free"),
                       .claimed_bytes = read_bytes(object, "claimed"),
                       .claimed_peak_bytes = read_bytes(object, "claimed_peak"),
                       .foreign_bytes = read_bytes(object, "foreign"),
                       .fenced_bytes = read_bytes(object, "fenced"),
                       .used_age_s = read_age(object, "used"),
                       .busy_percent = read_count(object, "busy_percent"),
                       .holders = {}};
    for_each_object(object, "holders", [&](const json::object& holder) {
        device.holders.push_back({.pid = read_count(holder, "pid").value_or(0),
                                  .name = read_text(holder, "name"),
                                  .used_bytes = read_bytes(holder, "used"),
                                  .used_peak_bytes = read_bytes(holder, "used_peak"),
                                  .model = read_text(holder, "model"),
                                  .generation = read_count(holder, "generation")});
    });
    return device;
}

}  // namespace

base::Result<DevicesState> parse_devices(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    const json::object* const object = error ? nullptr : value.if_object();
    const json::value* const list = object == nullptr ? nullptr : object->if_contains("devices");
    if (list == nullptr || !list->is_array()) {
        return base::fail(
            base::Errc::data_corrupt,
            "the answer is not what a Windlass daemon says of its devices; is `--url` one?");
    }
    DevicesState state;
    for_each_object(*object, "devices", [&](const json::object& device) {
        state.devices.push_back(to_device(device));
    });
    if (const json::value* const cpu = object->if_contains("cpu"); cpu && cpu->is_object()) {
        state.devices.push_back(to_device(cpu->get_object()));
    }
    for_each_object(*object, "drivers", [&](const json::object& driver) {
        if (std::string message = read_text(driver, "message"); !message.empty()) {
            state.notes.push_back(std::move(message));
        }
    });
    if (std::string trouble = read_text(*object, "listing_trouble"); !trouble.empty()) {
        state.notes.push_back(std::move(trouble));
    }
    return state;
}

}  // namespace windlass::cli
