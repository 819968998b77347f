// For tests: the emulated NVML in this process.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <stdlib.h>

#include <string>

#include "base/testing/scratch_directory.h"
#include "emulator/node.h"

namespace windlass::device::testing {

// The library keeps the first node that it finds, so all tests share one. Never destroyed: the
// library has it mapped.
inline emulator::Node& node() {
    static auto* const it = [] {
        static const base::testing::ScratchDirectory folder;
        auto made = emulator::Node::make(folder.file("node"), "2x24GiB");
        REQUIRE(made.has_value());
        // NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread
        ::setenv("WINDLASS_EMULATOR", folder.file("node").c_str(), 1);
        // Stays loaded, whatever the code under test closes.
        REQUIRE(::dlopen(WL_EMULATED_NVML, RTLD_NOW | RTLD_LOCAL) != nullptr);
        return new emulator::Node{std::move(*made)};
    }();
    return *it;
}

class NvmlWorld {
  public:
    NvmlWorld() {
        node();
        use_library(WL_EMULATED_NVML);
    }
    ~NvmlWorld() {
        for (const int device : {0, 1}) {
            node().clear_faults(device);
            node().clear_strangers(device);
        }
    }
    NvmlWorld(const NvmlWorld&) = delete;
    NvmlWorld& operator=(const NvmlWorld&) = delete;

    static void use_library(const std::string& path) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread
        ::setenv("WINDLASS_NVML_LIBRARY", path.c_str(), 1);
    }
};

}  // namespace windlass::device::testing
