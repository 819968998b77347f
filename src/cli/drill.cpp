// `windlass drill`: sets the stage, runs the script, clears up whatever happened, and judges.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/drill_json.h"
#include "cli/drill_report.h"
#include "cli/drill_scripts.h"
#include "cli/drill_stage.h"
#include "cli/failure_text.h"

namespace windlass::cli {
namespace {

constexpr int kFellShort =
    1;  // of no error type: the drill ran, and what it was to show was not so

using Script = std::function<base::Result<drill::Report>(drill::Stage&)>;

base::Result<drill::Report> stage_drill(const Script& script) {
    const auto stage = WL_TRY(drill::Stage::make());
    base::Result<drill::Report> report = script(*stage);
    const base::Duration took = stage->now();
    const std::size_t left = stage->finish();
    if (!report) return report;
    report->took = took;
    report->checks.push_back({.what = "processes left",
                              .expected = "0",
                              .happened = fmt::format("{}", left),
                              .is_met = left == 0});
    return report;
}

CommandOutcome perform(bool json, const Script& script) {
    const base::Result<drill::Report> report = stage_drill(script);
    if (!report) return failed(report.error(), json);
    CommandOutcome outcome{.exit_code = drill::is_passed(*report) ? 0 : kFellShort};
    outcome.out = json ? drill::report_json(*report) : drill::to_text(*report);
    if (json) return outcome;
    if (outcome.exit_code == 0) {
        outcome.out += "\n" + drill::verdict_text(*report);
    } else {
        outcome.err = "windlass: " + drill::verdict_text(*report);
    }
    return outcome;
}

// Every drill that there is, as it is without options.
std::vector<Script> all_scripts(const AllDrillsArguments& arguments) {
    using namespace std::chrono_literals;
    const base::Bytes size{std::uint64_t{100} << 20};
    std::vector<Script> scripts = {
        [size](drill::Stage& stage) { return drill::run_duplicates(stage, {.model_size = size}); },
        [size, slack = arguments.slack](drill::Stage& stage) {
            const IdleArguments idle{
                .offload = 2s, .unload = 4s, .slack = slack, .model_size = size};
            return drill::run_idle(stage, idle);
        }};
    for (const drill::JobDrillEntry& entry : drill::kJobDrills) {
        scripts.emplace_back([entry, slack = arguments.slack](drill::Stage& stage) {
            return entry.script(stage, {.drill = entry.drill, .slack = slack});
        });
    }
    return scripts;
}

}  // namespace

CommandOutcome run(const JobDrillArguments& arguments) {
    const auto* const entry =
        std::ranges::find(drill::kJobDrills, arguments.drill, &drill::JobDrillEntry::drill);
    return perform(arguments.json, [&arguments, entry](drill::Stage& stage) {
        return entry->script(stage, arguments);
    });
}

CommandOutcome run(const AllDrillsArguments& arguments) {
    std::vector<drill::Report> reports;
    for (const Script& script : all_scripts(arguments)) {
        auto report = stage_drill(script);
        if (!report) return failed(report.error(), arguments.json);
        std::fputs(drill::verdict_text(*report).c_str(), stderr);
        reports.push_back(*std::move(report));
    }
    CommandOutcome outcome{.exit_code =
                               std::ranges::all_of(reports, drill::is_passed) ? 0 : kFellShort};
    outcome.out = arguments.json ? drill::summary_json(reports) : drill::summary_text(reports);
    if (outcome.exit_code != 0) outcome.err = "windlass: drill all: not every drill passed\n";
    return outcome;
}

CommandOutcome run(const DuplicatesArguments& arguments) {
    return perform(arguments.json, [&arguments](drill::Stage& stage) {
        return drill::run_duplicates(stage, arguments);
    });
}

CommandOutcome run(const IdleArguments& arguments) {
    return perform(arguments.json,
                   [&arguments](drill::Stage& stage) { return drill::run_idle(stage, arguments); });
}

}  // namespace windlass::cli
