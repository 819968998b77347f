// `windlass config check` and `windlass config keys`.
#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/config_json.h"
#include "daemon/configuration.h"
#include "daemon/configuration_keys.h"

namespace windlass::cli {
namespace {

std::string problems_text(const std::string& file, const daemon::LoadedConfiguration& loaded) {
    std::string text;
    std::size_t mistakes = 0;
    for (const daemon::Problem& problem : loaded.problems) {
        const bool notice = problem.severity == daemon::Severity::notice;
        mistakes += notice ? 0 : 1;
        text += fmt::format("{}{}\n", daemon::to_text(problem), notice ? " (notice)" : "");
    }
    if (!loaded.configuration)
        return text += fmt::format("{} mistake{}\n", mistakes, mistakes == 1 ? "" : "s");
    const auto& all = loaded.configuration->models;
    const auto models = std::ranges::count(all, "", &daemon::ModelConfiguration::variant);
    const std::size_t variants = all.size() - static_cast<std::size_t>(models);
    text += fmt::format("{}: good, {} model{}", file, models, models == 1 ? "" : "s");
    if (variants > 0) text += fmt::format(", {} variant{}", variants, variants == 1 ? "" : "s");
    return text += "\n";
}

}  // namespace

CommandOutcome run(const ConfigCheckArguments& arguments) {
    const daemon::LoadedConfiguration loaded =
        daemon::load_configuration(arguments.file, daemon::process_environment());
    return {
        .exit_code = loaded.configuration ? 0 : base::traits(base::Errc::invalid_input).exit_code,
        .out = arguments.json ? check_json(arguments.file, loaded)
                              : problems_text(arguments.file, loaded),
    };
}

CommandOutcome run(const ConfigKeysArguments& arguments) {
    if (arguments.format == KeysFormat::json) return {.out = keys_json()};
    if (arguments.format == KeysFormat::markdown) return {.out = daemon::configuration_markdown()};
    std::vector<std::vector<std::string>> rows;
    std::string_view section;
    for (const daemon::Key& key : daemon::key_table()) {
        const std::string_view title = daemon::section_title(key.section);
        if (title != section) rows.push_back({std::string{section = title}});
        const bool later = key.floor == daemon::Floor::later;
        rows.push_back({"  " + std::string{key.name}, std::string{key.default_text},
                        (later ? "(later) " : "") + std::string{key.meaning}});
    }
    return {.out = align(rows)};
}

}  // namespace windlass::cli
