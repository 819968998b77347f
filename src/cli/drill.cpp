// `windlass drill`: sets the stage, runs the script, clears up whatever happened, and judges.
#include <fmt/core.h>

#include <functional>
#include <utility>

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

CommandOutcome perform(bool json,
                       const std::function<base::Result<drill::Report>(drill::Stage&)>& script) {
    const auto stage = drill::Stage::make();
    if (!stage) return failed(stage.error(), json);
    base::Result<drill::Report> report = script(**stage);
    const base::Duration took = (*stage)->now();
    const std::size_t left = (*stage)->finish();
    if (!report) return failed(report.error(), json);
    report->took = took;
    report->checks.push_back({.what = "processes left",
                              .expected = "0",
                              .happened = fmt::format("{}", left),
                              .is_met = left == 0});
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

}  // namespace

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
