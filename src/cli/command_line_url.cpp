// --url, by CLI11.
#include "cli/command_line_url.h"

#include <CLI/CLI.hpp>

namespace windlass::cli {

void add_url(CLI::App& app, std::string& url) {
    app.add_option("--url", url,
                   "Where the daemon listens: http://HOST:PORT or unix:/PATH; also WINDLASS_URL")
        ->envname("WINDLASS_URL")
        ->default_val("http://127.0.0.1:7411")
        ->type_name("URL");
}

}  // namespace windlass::cli
