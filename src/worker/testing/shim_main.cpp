// Nothing but the subcommand `worker-exec`, for the tests of this folder.
#include <cstddef>
#include <span>
#include <string_view>

#include "worker/exec_shim.h"

int main(int argc, char** argv) {
    const std::span<char* const> arguments{argv, static_cast<std::size_t>(argc)};
    if (argc < 2 || std::string_view{argv[1]} != "worker-exec") return 2;
    return windlass::worker::exec_shim(arguments.subspan(2));
}
