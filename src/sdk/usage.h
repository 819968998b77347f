// What a worker tells somebody who starts it by hand.
#pragma once

#include <string>
#include <vector>

namespace windlass::sdk {

// For the command line of this process.
std::string how_to_serve();

// `command`: the program's path first.
std::string how_to_serve(const std::vector<std::string>& command);

}  // namespace windlass::sdk
