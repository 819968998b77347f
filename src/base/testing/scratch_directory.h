// For tests: a directory of one's own, gone with all that is in it at the end of the test.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace windlass::base::testing {

struct ScratchDirectory {
    ScratchDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~ScratchDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    std::string file(const std::string& name) const { return path + '/' + name; }

    std::string path = std::filesystem::temp_directory_path() / "windlass-test-XXXXXX";
};

}  // namespace windlass::base::testing
