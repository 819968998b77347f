// The program `windlass`: reads the command line, runs the command, and writes what it says.
#include <cstdio>
#include <string_view>

#include "base/error.h"
#include "cli/commands.h"

namespace {

bool write(std::FILE* stream, std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stream) == text.size() &&
           std::fflush(stream) == 0;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace windlass;
    // Before anything else: each start of a worker goes through here.
    const std::string_view hidden = argc > 1 ? argv[1] : "";
    if (hidden == "worker-exec") return cli::run_worker_exec(argc - 2, argv + 2);
    if (hidden == "evidence") return cli::run_evidence(argc - 2, argv + 2);
    if (hidden == "host-memory") return cli::run_host_memory(argc - 2, argv + 2);
    if (hidden == "tag-search") return cli::run_tag_search(argc - 2, argv + 2);
    if (hidden == "doctor-check") return cli::run_doctor_check(argc - 2, argv + 2);
    if (hidden == "keeper") return cli::run_keeper();
    if (argc > 1 && std::string_view{argv[1]} == "ballast")
        return cli::run_ballast(argc - 2, argv + 2);
    if (hidden == "http-program") return cli::run_http_program(argc - 2, argv + 2);
    if (hidden == "drill-daemon") return cli::run_drill_daemon(argc - 2, argv + 2);
    if (hidden == "drill-worker") return cli::run_drill_worker(argc - 2, argv + 2);
    if (hidden == "drill-client") return cli::run_drill_client(argc - 2, argv + 2);
    if (hidden == "drill-watch") return cli::run_drill_watch(argc - 2, argv + 2);
    if (hidden == "driver-host") return cli::run_driver_host(argc - 2, argv + 2);
    const cli::CommandOutcome outcome = cli::run(cli::parse_command_line({argv + 1, argv + argc}));
    write(stderr, outcome.err);
    if (write(stdout, outcome.out)) return outcome.exit_code;
    write(stderr, "windlass: standard output cannot be written to\n");
    return base::traits(base::Errc::internal).exit_code;
}
