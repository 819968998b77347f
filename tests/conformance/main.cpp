// `windlass-conformance`: the same checks for whatever driver libraries it is given, the emulator's
// or NVIDIA's. Takes 256 MiB of the first visible device for a moment.
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "drivers.h"

namespace {

using windlass::base::Result;
namespace base = windlass::base;
namespace conformance = windlass::conformance;
namespace guard = windlass::guard;

struct Arguments {
    std::string cuda = "libcuda.so.1";
    std::string nvml = "libnvidia-ml.so.1";
    base::Bytes bytes{std::uint64_t{256} << 20};
    std::string part;
};

constexpr const char* kUsage =
    "windlass-conformance [--cuda FILE] [--nvml FILE] [--bytes 256MiB]\n"
    "Checks that driver libraries do what Windlass relies on. Exits with 0 when all do.\n";

Result<Arguments> read(const std::vector<std::string>& words) {
    Arguments arguments;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const std::string value = i + 1 < words.size() ? words[i + 1] : "";
        const auto bytes = base::parse_bytes(value);
        if (words[i] == "--cuda" && !value.empty()) {
            arguments.cuda = value;
        } else if (words[i] == "--nvml" && !value.empty()) {
            arguments.nvml = value;
        } else if (words[i] == "--part" && !value.empty()) {
            arguments.part = value;
        } else if (words[i] == "--bytes" && bytes) {
            arguments.bytes = *bytes;
        } else {
            return base::fail(base::Errc::invalid_input, kUsage);
        }
    }
    return arguments;
}

Result<int> run(const std::vector<std::string>& words, const char* program) {
    const Arguments arguments = WL_TRY(read(words));
    guard::Library cuda = WL_TRY(guard::Library::open(arguments.cuda));
    guard::Library nvml = WL_TRY(guard::Library::open(arguments.nvml));
    const conformance::Drivers drivers{.cuda = std::move(cuda),
                                       .nvml = std::move(nvml),
                                       .bytes = arguments.bytes.count(),
                                       .program = program};
    if (!arguments.part.empty()) return conformance::play_part(drivers, arguments.part);
    conformance::Report report;
    conformance::check_nvml(drivers, report);
    conformance::check_start(drivers, report);
    conformance::check_contexts(drivers, report);
    conformance::check_memory(drivers, report);
    conformance::check_copies(drivers, report);
    conformance::check_streams(drivers, report);
    conformance::check_virtual_memory(drivers, report);
    conformance::check_processes(drivers, report);
    return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
    const auto outcome = run({argv + 1, argv + argc}, argv[0]);
    if (outcome) return *outcome;
    std::fputs((outcome.error().message + "\n").c_str(), stderr);
    return base::traits(outcome.error().code).exit_code;
}
