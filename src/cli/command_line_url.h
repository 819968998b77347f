// The option that says where the daemon is.
#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
}

namespace windlass::cli {

void add_url(CLI::App& app, std::string& url);

}  // namespace windlass::cli
