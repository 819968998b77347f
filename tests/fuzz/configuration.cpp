// Fuzz target: the text of a configuration file, and the texts that may replace parts of it.
#include "daemon/configuration.h"

#include <set>

#include "base/assert.h"
#include "fuzz/target.h"

namespace windlass {
namespace {

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte != 0x7f;
    });
}

void check_problem(const daemon::Problem& problem, std::size_t line_count) {
    WL_ASSERT(problem.line <= line_count);
    WL_ASSERT(!problem.message.empty() && problem.message.size() < 4096);
    WL_ASSERT(is_printable(daemon::to_text(problem)));
}

void check_configuration(const daemon::Configuration& configuration) {
    WL_ASSERT(configuration.daemon.state_dir.starts_with('/'));
    WL_ASSERT(configuration.daemon.shutdown_grace > base::Duration::zero());
    std::set<std::string> names;
    for (const daemon::ModelConfiguration& model : configuration.models) {
        WL_ASSERT(names.insert(model.name).second);
        WL_ASSERT(!model.name.empty() && model.name.size() <= 64 + 1 + 64);
        WL_ASSERT(model.python.empty() != model.command.empty());
        WL_ASSERT(model.concurrency > 0);
        WL_ASSERT(model.run_timeout > base::Duration::zero());
        WL_ASSERT(model.call_timeout > base::Duration::zero());
    }
}

void check_listen(std::string_view text) {
    const auto address = daemon::parse_listen(text);
    if (!address) return;
    const auto again = daemon::parse_listen(daemon::to_text(*address));
    WL_ASSERT(again.has_value() && *again == *address);
}

}  // namespace
}  // namespace windlass

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace windlass;
    fuzz::Input input{data, size};
    // Up to the first zero byte: what the environment or the command line says instead.
    std::string_view text = input.rest();
    std::string said;
    if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
        said = text.substr(0, zero);
        text.remove_prefix(zero + 1);
    }
    daemon::Environment environment{{"HOME", "/home/ada"}};
    daemon::Overrides overrides;
    if (said.starts_with("idle ")) {
        environment["IDLE_UNLOAD_TIMEOUT_SEC"] = said.substr(5);
        environment["IDLE_CLEAR_TIMEOUT_SEC"] = said.substr(5);
    } else if (!said.empty()) {
        check_listen(said);
        overrides.listen = said;
    }

    const auto loaded =
        daemon::parse_configuration(text, "/etc/windlass.toml", environment, overrides);
    const auto line_count = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    bool has_error = false;
    for (const daemon::Problem& problem : loaded.problems) {
        check_problem(problem, line_count);
        has_error = has_error || problem.severity == daemon::Severity::error;
    }
    WL_ASSERT(loaded.configuration.has_value() == !has_error);
    WL_ASSERT(loaded.problems.size() <= size + 8);
    if (loaded.configuration) check_configuration(*loaded.configuration);
    return 0;
}
