// Nothing but the subcommands `worker-exec` and `keeper`, for the tests of this folder.
#include <cstddef>
#include <span>
#include <string_view>

#include "worker/exec_shim.h"
#include "worker/keeper.h"

int main(int argc, char** argv) {
    const std::span<char* const> arguments{argv, static_cast<std::size_t>(argc)};
    if (argc > 1 && std::string_view{argv[1]} == "keeper") return windlass::worker::run_keeper();
    if (argc < 2 || std::string_view{argv[1]} != "worker-exec") return 2;
    return windlass::worker::exec_shim(arguments.subspan(2));
}
