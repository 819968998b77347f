// `windlass serve --emulate 2x24GiB`: GPUs that are not there. Driver hosts and workers load
// look-alikes of the driver's libraries (docs/emulator.md); nothing else of Windlass knows.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "daemon/configuration.h"

namespace windlass::daemon {

// What makes a process see the emulated devices.
class EmulatedDriver {
  public:
    EmulatedDriver(std::string node, std::string libraries)
        : node_(std::move(node)), libraries_(std::move(libraries)) {}

    // Adds it to `table`, the environment of a process that inherits `inherited`; a search path
    // that either has stays, behind ours.
    template <class Table>
    void add_to(Table& table, const Environment& inherited) const {
        const auto found = [&](const char* name) {
            if (const auto own = table.find(name); own != table.end()) return own->second;
            const auto theirs = inherited.find(name);
            return theirs == inherited.end() ? std::string{} : theirs->second;
        };
        const std::string path = found("LD_LIBRARY_PATH");
        table["LD_LIBRARY_PATH"] = path.empty() ? libraries_ : libraries_ + ":" + path;
        table["WINDLASS_EMULATOR"] = node_;
        table["WINDLASS_NVML_LIBRARY"] = libraries_ + "/libnvidia-ml.so.1";
        table["WINDLASS_CUDA_LIBRARY"] = libraries_ + "/libcuda.so.1";
    }

  private:
    std::string node_;
    std::string libraries_;
};

// The node of one daemon, in its state folder. What an earlier daemon left there is replaced.
class Emulation {
  public:
    // `specification`: "2x24GiB", as emulator/specification.h reads it. `executable`: of this
    // program; the libraries lie in ../lib beside it. Errors: invalid_input, unsupported where the
    // libraries are not installed, and what the file system refuses.
    static base::Result<std::unique_ptr<Emulation>> make(const std::string& state_dir,
                                                         const std::string& specification,
                                                         const std::string& executable);
    ~Emulation();  // removes the node
    Emulation(const Emulation&) = delete;
    Emulation& operator=(const Emulation&) = delete;

    const EmulatedDriver& driver() const { return driver_; }

  private:
    Emulation(std::string folder, EmulatedDriver driver)
        : folder_(std::move(folder)), driver_(std::move(driver)) {}

    std::string folder_;
    EmulatedDriver driver_;
};

}  // namespace windlass::daemon
