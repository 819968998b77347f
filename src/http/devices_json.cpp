// The JSON of devices.
#include "http/devices_json.h"

#include "http/json_writer.h"

namespace windlass::http {
namespace {

void write_text(JsonWriter& json, std::string_view name, const std::optional<std::string>& text) {
    json.key(name);
    text ? json.string(*text) : json.null();
}

void write_trouble(JsonWriter& json, std::string_view name, const std::string& text) {
    json.key(name);
    text.empty() ? json.null() : json.string(text);
}

void write_number(JsonWriter& json, std::string_view name,
                  const std::optional<std::uint64_t>& number) {
    json.key(name);
    number ? json.number(*number) : json.null();
}

void write_measured(JsonWriter& json, std::string_view name,
                    const std::optional<Measured>& measured) {
    json.key(name);
    if (!measured) {
        json.null();
        return;
    }
    json.begin_object();
    json.key("bytes").number(measured->bytes.count());
    json.key("source").string(measured->source);
    json.key("age_s").seconds(measured->age);
    json.end_object();
}

void write_holder(JsonWriter& json, const DeviceHolder& holder) {
    json.begin_object();
    json.key("pid").number(static_cast<std::uint64_t>(holder.pid));
    write_text(json, "name", holder.name);
    write_measured(json, "used", holder.bytes);
    write_measured(json, "used_peak", holder.peak);
    write_trouble(json, "model", holder.model);
    write_number(json, "generation", holder.generation);
    json.end_object();
}

void write_device(JsonWriter& json, const DeviceStatus& device) {
    json.begin_object();
    json.key("uuid").string(device.uuid);
    json.key("kind").string(device.kind);
    json.key("driver").string(device.driver);
    write_text(json, "name", device.name);
    json.key("state").string(device.state);
    json.key("state_since_s").seconds(device.state_since);
    write_trouble(json, "trouble", device.trouble);
    write_measured(json, "capacity", device.capacity);
    write_measured(json, "used", device.used);
    write_measured(json, "free", device.free);
    write_measured(json, "used_peak", device.used_peak);
    write_measured(json, "claimed", device.claimed);
    write_measured(json, "claimed_peak", device.claimed_peak);
    write_measured(json, "foreign", device.foreign);
    write_measured(json, "fenced", device.fenced);
    json.key("holders").begin_array();
    for (const DeviceHolder& holder : device.holders) write_holder(json, holder);
    json.end_array();
    json.key("holders_known").boolean(device.holders_known);
    write_number(json, "busy_percent", device.busy_percent);
    write_text(json, "compute_capability", device.compute_capability);
    write_text(json, "driver_version", device.driver_version);
    write_text(json, "cuda_version", device.cuda_version);
    write_text(json, "bus_id", device.bus_id);
    write_number(json, "host_pid",
                 device.host_pid ? std::optional{static_cast<std::uint64_t>(*device.host_pid)}
                                 : std::nullopt);
    json.end_object();
}

void write_driver(JsonWriter& json, const DriverStatus& driver) {
    json.begin_object();
    json.key("library").string(driver.name);
    json.key("state").string(driver.state);
    write_text(json, "version", driver.version);
    write_trouble(json, "message", driver.message);
    json.end_object();
}

}  // namespace

std::string to_json(const DevicesStatus& status) {
    JsonWriter json;
    json.begin_object();
    json.key("devices").begin_array();
    for (const DeviceStatus& device : status.devices) write_device(json, device);
    json.end_array();
    json.key("cpu");
    status.cpu ? write_device(json, *status.cpu) : static_cast<void>(json.null());
    json.key("drivers").begin_array();
    for (const DriverStatus& driver : status.drivers) write_driver(json, driver);
    json.end_array();
    json.key("listed_s");
    status.listed ? json.seconds(*status.listed) : json.null();
    write_trouble(json, "listing_trouble", status.listing_trouble);
    json.end_object();
    return json.take();
}

}  // namespace windlass::http
