// JSON of the devices API to plain values.
#include "cli/device_json.h"

#include <boost/json.hpp>

namespace windlass::cli {
namespace {

namespace json = boost::json;

std::string read_text(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

template <class Number>
std::optional<Number> read_number(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    boost::system::error_code error;
    const Number number = value->to_number<Number>(error);
    if (error) return std::nullopt;
    return number;
}

// One of the fields of a number that was measured.
template <class Number>
std::optional<Number> read_measured(const json::object& object, std::string_view key,
                                    std::string_view field) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_object()) return std::nullopt;
    return read_number<Number>(value->get_object(), field);
}

template <class Read>
void for_each_object(const json::object& object, std::string_view key, Read read) {
    const json::value* const list = object.if_contains(key);
    if (list == nullptr || !list->is_array()) return;
    for (const json::value& item : list->get_array()) {
        if (item.is_object()) read(item.get_object());
    }
}

DeviceState to_device(const json::object& object) {
    const auto bytes = [&](std::string_view key) {
        return read_measured<std::uint64_t>(object, key, "bytes");
    };
    DeviceState device{.uuid = read_text(object, "uuid"),
                       .name = read_text(object, "name"),
                       .state = read_text(object, "state"),
                       .trouble = read_text(object, "trouble"),
                       .capacity_bytes = bytes("capacity"),
                       .used_bytes = bytes("used"),
                       .claimed_bytes = bytes("claimed"),
                       .foreign_bytes = bytes("foreign"),
                       .fenced_bytes = bytes("fenced"),
                       .used_age_s = read_measured<double>(object, "used", "age_s")};
    for_each_object(object, "holders", [&](const json::object& holder) {
        device.holders.push_back(
            {.pid = read_number<std::uint64_t>(holder, "pid").value_or(0),
             .name = read_text(holder, "name"),
             .used_bytes = read_measured<std::uint64_t>(holder, "used", "bytes"),
             .model = read_text(holder, "model")});
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
