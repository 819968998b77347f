// For machines.
#include <boost/json.hpp>

#include "cli/replay.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;
using recording::Finding;
using recording::FindingKind;
using recording::RecordingEnd;
using recording::StepText;

json::array texts(const std::vector<std::string>& lines) {
    json::array array;
    for (const std::string& line : lines) array.emplace_back(line);
    return array;
}

json::object step_json(const StepText& step) {
    return {{"number", step.number},
            {"since_s", static_cast<double>(step.since.count()) / 1e9},
            {"event", step.event},
            {"commands", texts(step.commands)}};
}

json::value end_json(const ReplayReport& report) {
    if (!report.end) return nullptr;
    return *report.end == RecordingEnd::limit ? "limit" : "stopped";
}

json::object finding_json(const Finding& finding) {
    json::array before;
    for (const StepText& step : finding.before) before.push_back(step_json(step));
    json::object step = step_json(finding.step);
    if (!finding.is_recorded) step["commands"] = nullptr;
    const bool is_difference = finding.kind == FindingKind::difference;
    return {{"kind", is_difference ? "difference" : "broken_invariant"},
            {"condition", is_difference ? json::value{} : json::value{finding.condition}},
            {"before", std::move(before)},
            {"step", std::move(step)},
            {"now", texts(finding.now)}};
}

}  // namespace

std::string replay_json(const ReplayReport& report) {
    const recording::Summary& summary = report.summary;
    const json::object object{
        {"file", report.file},
        {"equal", !report.finding.has_value()},
        {"version", report.head.version},
        {"commit", report.head.commit},
        {"begun_unix_s", report.head.begun_unix_s},
        {"events", summary.event_count},
        {"commands", summary.command_count},
        {"span_s", static_cast<double>(summary.span.count()) / 1e9},
        {"models", texts(summary.models)},
        {"devices", texts(summary.devices)},
        {"end", end_json(report)},
        {"torn_bytes", report.torn},
        {"finding", report.finding ? json::value(finding_json(*report.finding)) : json::value()}};
    return json::serialize(object) + "\n";
}

}  // namespace windlass::cli
