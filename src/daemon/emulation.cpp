// Makes and removes the node.
#include "daemon/emulation.h"

#include <fmt/core.h>

#include <filesystem>
#include <utility>

#include "base/log.h"
#include "emulator/node.h"

namespace windlass::daemon {
namespace {

namespace fs = std::filesystem;

// In an installation, or in the build that the program lies in.
std::optional<std::string> find_libraries(const std::string& executable) {
    const fs::path folder = fs::path{executable}.parent_path();
    for (const char* relative : {"../lib/windlass/emulator", "../lib/emulator"}) {
        std::error_code ignored;  // not there is not there
        const fs::path candidate = fs::weakly_canonical(folder / relative, ignored);
        const bool has_both = fs::exists(candidate / "libcuda.so.1", ignored) &&
                              fs::exists(candidate / "libnvidia-ml.so.1", ignored);
        if (has_both) return candidate.string();
    }
    return std::nullopt;
}

}  // namespace

base::Result<std::unique_ptr<Emulation>> Emulation::make(const std::string& state_dir,
                                                         const std::string& specification,
                                                         const std::string& executable) {
    const std::optional<std::string> libraries = find_libraries(executable);
    if (!libraries) {
        return base::fail(base::Errc::unsupported,
                          "--emulate needs the emulated driver libraries, and this installation "
                          "has none: they belong into ../lib/windlass/emulator beside the program");
    }
    const std::string folder = fs::path{state_dir} / "emulator";
    const auto node = emulator::Node::make(folder, specification);
    if (!node) return base::with_context(node.error(), "--emulate");
    base::log::info("daemon.emulating", {{"devices", node->device_count()}, {"node", folder}});
    return std::unique_ptr<Emulation>{new Emulation{folder, EmulatedDriver{folder, *libraries}}};
}

Emulation::~Emulation() {
    // What cannot be removed is replaced by the next one.
    static_cast<void>(emulator::remove_node(folder_));
}

}  // namespace windlass::daemon
