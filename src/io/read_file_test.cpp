// Where reading stops.
#include "io/read_file.h"

#include <doctest/doctest.h>

namespace io = windlass::io;

TEST_CASE("a file is read up to a limit, and one that is not there is not empty") {
    CHECK(io::read_file("/proc/self/comm", 4).value_or("").size() == 4);
    CHECK_FALSE(io::read_file("/proc/self/none", 4).has_value());
}
