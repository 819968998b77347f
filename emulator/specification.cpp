// See specification.h.
#include "emulator/specification.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>

#include "emulator/ledger_layout.h"

namespace windlass::emulator {

namespace {

constexpr std::string_view kExample =
    "write it as 2x24GiB or 1x80GiB,context=450MiB,link=25GB,teardown=150ms,reserved=0B";

base::Error mistake(std::string_view what, std::string_view text) {
    return base::fail(base::Errc::invalid_input,
                      fmt::format("emulated devices: {} \"{}\"; {}", what, text, kExample));
}

// Cuts off what stands before the separator.
std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t at = text.find(separator);
    const std::string_view head = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return head;
}

std::optional<unsigned> parse_count(std::string_view text) {
    unsigned count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (count == 0 || count > static_cast<unsigned>(kDeviceMax)) return std::nullopt;
    return count;
}

base::Result<void> set_option(DeviceSpecification& device, std::string_view option) {
    const std::string_view whole = option;
    const std::string_view key = take_until(option, '=');
    if (key == "name" && !option.empty()) {
        device.name = option;
        return {};
    }
    if (key == "teardown") {
        const auto time = base::parse_duration(option);
        if (!time) return mistake("no duration in", whole);
        device.teardown = *time;
        return {};
    }
    base::Bytes* target = key == "context"    ? &device.context
                          : key == "reserved" ? &device.reserved
                          : key == "link"     ? &device.link_per_second
                                              : nullptr;
    if (target == nullptr) return mistake("unknown option", whole);
    const auto bytes = base::parse_bytes(option);
    if (!bytes) return mistake("no size in", whole);
    if (key == "link" && bytes->count() == 0) return mistake("a link without speed in", whole);
    *target = *bytes;
    return {};
}

}  // namespace

base::Result<std::vector<DeviceSpecification>> parse_specification(std::string_view text) {
    std::vector<DeviceSpecification> devices;
    std::string_view rest = text;
    if (text.ends_with('+')) return mistake("nothing after the last + in", text);
    while (!rest.empty() || devices.empty()) {
        std::string_view group = take_until(rest, '+');
        std::string_view head = take_until(group, ',');
        const auto count = parse_count(take_until(head, 'x'));
        const auto capacity = base::parse_bytes(head);
        if (!count) return mistake("no count from 1 to 64 in", text);
        if (!capacity || capacity->count() == 0) return mistake("no capacity in", text);
        DeviceSpecification device{.capacity = *capacity};
        while (!group.empty()) WL_TRY(set_option(device, take_until(group, ',')));
        if (device.reserved > device.capacity)
            return mistake("more reserved than there is in", text);
        devices.insert(devices.end(), *count, device);
    }
    if (devices.size() > static_cast<std::size_t>(kDeviceMax))
        return mistake("more than 64 devices in", text);
    return devices;
}

}  // namespace windlass::emulator
