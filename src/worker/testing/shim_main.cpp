// Nothing but the hidden subcommands of `windlass`, for the tests of this folder.
#include <cstddef>
#include <span>
#include <string_view>

#include "worker/evidence.h"
#include "worker/exec_shim.h"
#include "worker/host_memory.h"
#include "worker/keeper.h"
#include "worker/tag_search.h"

int main(int argc, char** argv) {
    const std::span<char* const> arguments{argv, static_cast<std::size_t>(argc)};
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "keeper") return windlass::worker::run_keeper();
    if (command == "tag-search") return windlass::worker::run_tag_search(arguments.subspan(2));
    if (command == "host-memory") return windlass::worker::run_host_memory(arguments.subspan(2));
    if (command == "evidence") return windlass::worker::run_evidence(arguments.subspan(2));
    if (command == "worker-exec") return windlass::worker::exec_shim(arguments.subspan(2));
    return 2;
}
