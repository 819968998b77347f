// The program `windlass-emulator`: makes a node, breaks it, and shows what is really there.
#include <fmt/core.h>

#include <charconv>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "emulator/node.h"

namespace {

using namespace windlass;
using base::Result;
using Words = std::span<const std::string_view>;

constexpr std::string_view kUsage =
    "windlass-emulator create FOLDER SPECIFICATION      a node, such as 2x24GiB\n"
    "windlass-emulator status FOLDER                    what is really there, as JSON\n"
    "windlass-emulator fault FOLDER DEVICE NAME [VALUE] switches a fault on; 0: off\n"
    "windlass-emulator stranger FOLDER DEVICE SIZE [PID]  memory of somebody else; no PID: "
    "unlisted\n"
    "windlass-emulator clear FOLDER DEVICE              no faults and no strangers any more\n"
    "windlass-emulator reset FOLDER DEVICE              frees what no living process holds\n"
    "windlass-emulator remove FOLDER\n"
    "windlass-emulator faults                           their names\n"
    "\nDEVICE is an index or a UUID; `all` is every device.\n";

base::Error usage(std::string_view what) {
    return base::fail(base::Errc::invalid_input, fmt::format("{}\n{}", what, kUsage));
}

Result<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
    if (const auto bytes = base::parse_bytes(text)) return bytes->count();
    return usage(fmt::format("\"{}\" is no number", text));
}

Result<std::vector<int>> devices_of(const emulator::Node& node, std::string_view name) {
    std::vector<int> found;
    if (name == "all") {
        for (int device = 0; device < node.device_count(); ++device) found.push_back(device);
        return found;
    }
    const auto device = node.find_device(name);
    if (!device) return usage(fmt::format("{} has no device \"{}\"", node.folder(), name));
    return std::vector<int>{*device};
}

std::string faults_text(const emulator::Node& node, int device) {
    std::string text;
    for (const emulator::FaultName& row : emulator::kFaults) {
        const std::uint64_t value = node.fault(device, row.fault);
        if (value == 0) continue;
        text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ", row.name, value);
    }
    return text;
}

void print_status(const emulator::Node& node) {
    fmt::print("{{\"processes\": {}, \"devices\": [", node.process_count());
    for (int device = 0; device < node.device_count(); ++device) {
        const emulator::DeviceTruth truth = node.truth(device);
        std::string processes;
        for (const auto& process : truth.processes)
            processes +=
                fmt::format("{}{{\"pid\": {}, \"bytes\": {}}}", processes.empty() ? "" : ", ",
                            process.pid, process.bytes.count());
        fmt::print(
            "{}\n  {{\"uuid\": \"{}\", \"capacity\": {}, \"used\": {}, \"processes\": [{}], "
            "\"faults\": {{{}}}}}",
            device == 0 ? "" : ",", truth.uuid, truth.capacity.count(), truth.used.count(),
            processes, faults_text(node, device));
    }
    fmt::print("\n]}}\n");
}

Result<void> set_fault(emulator::Node& node, int device, Words words) {
    const auto fault = emulator::find_fault(words[0]);
    if (!fault) return usage(fmt::format("no fault \"{}\"; see `faults`", words[0]));
    node.set_fault(device, *fault, words.size() > 1 ? WL_TRY(number(words[1])) : 1);
    return {};
}

Result<void> set_stranger(emulator::Node& node, int device, Words words) {
    const std::uint64_t bytes = WL_TRY(number(words[0]));
    const std::uint64_t pid = words.size() > 1 ? WL_TRY(number(words[1])) : 0;
    return node.set_stranger(device, static_cast<std::uint32_t>(pid), base::Bytes{bytes});
}

Result<void> change(std::string_view verb, emulator::Node& node, Words words) {
    for (const int device : WL_TRY(devices_of(node, words[0]))) {
        if (verb == "clear") {
            node.clear_faults(device);
            node.clear_strangers(device);
        } else if (verb == "reset") {
            node.reset(device);
        } else if (words.size() < 2) {
            return usage("too few words");
        } else if (verb == "fault") {
            WL_TRY(set_fault(node, device, words.subspan(1)));
        } else if (verb == "stranger") {
            WL_TRY(set_stranger(node, device, words.subspan(1)));
        } else {
            return usage(fmt::format("no command \"{}\"", verb));
        }
    }
    return {};
}

void print_faults() {
    for (const emulator::FaultName& row : emulator::kFaults)
        fmt::print("{} {}\n", row.name, row.value.empty() ? "1" : row.value);
}

Result<void> run(Words words) {
    if (words.size() == 1 && words[0] == "faults") {
        print_faults();
        return {};
    }
    if (words.size() < 2) return usage("too few words");
    const std::string folder{words[1]};
    if (words[0] == "remove") return emulator::remove_node(folder);
    if (words[0] == "create") {
        if (words.size() != 3) return usage("create needs a folder and a specification");
        WL_TRY(emulator::Node::make(folder, words[2]));
        return {};
    }
    emulator::Node node = WL_TRY(emulator::Node::open(folder));
    if (words[0] == "status") {
        print_status(node);
        return {};
    }
    if (words.size() < 3) return usage("no device named");
    return change(words[0], node, words.subspan(2));
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> words{argv + 1, argv + argc};
    const auto outcome = run(words);
    if (outcome) return 0;
    fmt::print(stderr, "windlass-emulator: {}\n", outcome.error().message);
    return base::traits(outcome.error().code).exit_code;
}
