// `windlass devices`: how full they are, and who holds what.
#include <fmt/core.h>
#include <windlass/client.h>

#include "base/bytes.h"
#include "cli/body_text.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/device_json.h"
#include "cli/failure_text.h"
#include "cli/model_text.h"

namespace windlass::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// What is not known is not 0.
std::string bytes_text(const std::optional<std::uint64_t>& bytes) {
    return bytes ? base::to_text(base::Bytes{*bytes}) : "-";
}

std::string word(const std::string& text) { return text.empty() ? "-" : one_line(text); }

std::string devices_text(const DevicesState& state) {
    Rows devices = {{"DEVICE", "NAME", "CAPABILITY", "DRIVER", "STATE", "USED", "CAPACITY",
                     "CLAIMED", "FOREIGN", "FENCED", "AGE", "NOTE"}};
    Rows holders = {{"DEVICE", "PID", "PROCESS", "USED", "MODEL"}};
    for (const DeviceState& device : state.devices) {
        devices.push_back(
            {one_line(device.uuid), word(device.name), word(device.compute_capability),
             word(device.driver_version), word(device.state), bytes_text(device.used_bytes),
             bytes_text(device.capacity_bytes), bytes_text(device.claimed_bytes),
             bytes_text(device.foreign_bytes), bytes_text(device.fenced_bytes),
             device.used_age_s ? rough_time(*device.used_age_s) : "-", one_line(device.trouble)});
        for (const HolderState& holder : device.holders) {
            holders.push_back({one_line(device.uuid), fmt::format("{}", holder.pid),
                               word(holder.name), bytes_text(holder.used_bytes),
                               word(holder.model)});
        }
    }
    std::string text = align(devices);
    if (holders.size() > 1) text += "\n" + align(holders);
    for (const std::string& note : state.notes) text += "\n" + one_line(note) + "\n";
    return text;
}

}  // namespace

CommandOutcome run(const DevicesArguments& arguments) {
    Client client{{.url = arguments.url}};
    const Outcome<std::string> answer = client.devices();
    if (!answer) return failed(answer.error(), arguments.json);
    if (arguments.json) return {.out = *answer + (answer->ends_with('\n') ? "" : "\n")};
    const auto devices = parse_devices(*answer);
    if (!devices) return failed(devices.error(), false);
    return {.out = devices_text(*devices)};
}

}  // namespace windlass::cli
