// The words between the daemon and `windlass driver-host`.
#include "device/driver_host.h"

#include <doctest/doctest.h>

namespace windlass::device {
namespace {

base::Result<DriverHostOrder> parse(std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    return parse_driver_host(pointers);
}

}  // namespace

TEST_CASE("a driver host understands what it is started with") {
    for (const DriverHostOrder& order :
         {DriverHostOrder{.parent_pid = 7, .device = "", .bus_id = ""},
          DriverHostOrder{.parent_pid = 7, .device = "cpu", .bus_id = ""},
          DriverHostOrder{.parent_pid = 7, .device = "GPU-1", .bus_id = "0000:01:00.0"}}) {
        std::vector<std::string> words = driver_host_argv(order);
        words.erase(words.begin(), words.begin() + 2);
        CHECK(parse(words).value() == order);
    }
}

TEST_CASE("a driver host refuses what is no order") {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{},
                                               {"7"},
                                               {"x", "--list"},
                                               {"7", "--device"},
                                               {"7", "--list", "--device", "cpu"},
                                               {"7", "--list", "--what"}}) {
        CHECK(parse(words).error().code == base::Errc::invalid_input);
    }
}

}  // namespace windlass::device
