// One holder at a time.
#include "daemon/state_lock.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace base = windlass::base;
using windlass::daemon::StateLock;

TEST_CASE("a second daemon is told who holds the folder, and gets it afterwards") {
    std::string folder = std::filesystem::temp_directory_path() / "wl-lock-test-XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const std::string state = folder + "/a/b";  // is made
    {
        const auto first = StateLock::take(state);
        REQUIRE(first.has_value());
        const auto second = StateLock::take(state);
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error().code == base::Errc::conflict);
        CHECK(second.error().message.contains(std::to_string(::getpid())));
        CHECK(second.error().message.contains(state));
    }
    CHECK(StateLock::take(state).has_value());
    std::ofstream{folder + "/file"} << "no folder";
    CHECK(StateLock::take(folder + "/file").error().code == base::Errc::permission_denied);
    std::filesystem::remove_all(folder);
}
