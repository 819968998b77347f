// One holder at a time.
#include "daemon/state_lock.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "base/testing/scratch_directory.h"

namespace base = windlass::base;
using windlass::daemon::StateLock;

TEST_CASE("a second daemon is told who holds the folder, and gets it afterwards") {
    const base::testing::ScratchDirectory folder;
    const std::string state = folder.file("a/b");  // is made
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
    const std::string file = folder.file("file");
    std::ofstream{file} << "no folder";
    CHECK(StateLock::take(file).error().code == base::Errc::permission_denied);
}
