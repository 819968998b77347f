// Incidents as a table, and one at full length.
#include "cli/incident_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/bytes.h"
#include "cli/body_text.h"
#include "cli/columns.h"
#include "cli/model_text.h"

namespace windlass::cli {
namespace {

std::string or_dash(const std::string& text) { return text.empty() ? "-" : one_line(text); }

// "84 ms", "10.2 s", "4 min": what a step takes spans five orders of magnitude.
std::string step_time(double milliseconds) {
    if (milliseconds < 1000) return fmt::format("{:.0f} ms", milliseconds);
    if (milliseconds < 120'000) return fmt::format("{:.1f} s", milliseconds / 1000);
    return rough_time(milliseconds / 1000);
}

std::string step_text(const StepState& step, double since_ms) {
    std::string name = one_line(step.name);
    std::ranges::replace(name, '_', ' ');
    return fmt::format("{} {}", name, step_time(step.after_ms - since_ms));
}

// Each step with the time since the one before it. "detected" is where the time begins.
std::string steps_text(const IncidentState& incident) {
    std::string text;
    double since_ms = 0;
    for (const StepState& step : incident.steps) {
        if (step.name == "detected") continue;
        text += (text.empty() ? "" : ", ") + step_text(step, since_ms);
        since_ms = step.after_ms;
    }
    return text.empty() ? "-" : text;
}

std::string proved_text(const IncidentState& incident) {
    const auto proved = std::ranges::find(incident.steps, "proved", &StepState::name);
    if (proved == incident.steps.end() || !proved->bytes) return "-";
    return base::to_text(base::Bytes{*proved->bytes});
}

std::string size_or_unknown(const std::optional<std::uint64_t>& bytes) {
    return bytes ? base::to_text(base::Bytes{*bytes}) : "an unknown amount";
}

std::string activity_text(const IncidentState& incident) {
    if (!incident.device_age_s) return {};
    std::string text =
        fmt::format("\nthe device, {} before: {} in use, {} of it by the worker",
                    rough_time(*incident.device_age_s), size_or_unknown(incident.device_used_bytes),
                    size_or_unknown(incident.device_worker_bytes));
    if (incident.device_busy_percent)
        text += fmt::format(", busy {} % of the time", *incident.device_busy_percent);
    return text + "\n";
}

std::string indented(const std::vector<std::string>& lines, std::string_view indent) {
    std::string text;
    for (const std::string& line : lines) text += fmt::format("{}{}\n", indent, one_line(line));
    return text;
}

std::string thread_text(const ThreadState& thread) {
    std::string text = fmt::format(
        "thread {} of process {} ({}), state {}{}\n", thread.thread, thread.process,
        one_line(thread.name), one_line(thread.state),
        thread.wait_channel.empty() ? "" : ", waits in " + one_line(thread.wait_channel));
    return text + indented(thread.kernel_stack, "  kernel ") + indented(thread.native_stack, "  ");
}

}  // namespace

std::string incidents_table(const std::vector<IncidentState>& incidents) {
    if (incidents.empty()) return "no incidents since the daemon's start\n";
    std::vector<std::vector<std::string>> rows = {
        {"ID", "TIME", "MODEL", "WORKER", "DEVICE", "CAUSE", "REQUEST", "PROVED", "STEPS"}};
    for (const IncidentState& incident : incidents) {
        rows.push_back({std::to_string(incident.id), or_dash(incident.detected_at),
                        or_dash(incident.model), std::to_string(incident.worker),
                        or_dash(incident.device), or_dash(incident.cause_type),
                        or_dash(incident.request), proved_text(incident), steps_text(incident)});
    }
    return align(rows);
}

std::string incident_details(const IncidentState& incident) {
    std::vector<std::vector<std::string>> rows = {
        {"incident", std::to_string(incident.id)},
        {"detected", or_dash(incident.detected_at)},
        {"model", or_dash(incident.model)},
        {"worker", fmt::format("{}, pid {}", incident.worker, incident.pid)},
        {"device", or_dash(incident.device)},
        {"request", or_dash(incident.request)},
        {"cause", incident.cause_type.empty() ? "-"
                                              : fmt::format("{}: {}", one_line(incident.cause_type),
                                                            one_line(incident.cause_message))},
        {"end", incident.how.empty() ? "-" : "it " + one_line(incident.how)},
        {"leftovers", std::to_string(incident.leftovers)},
    };
    std::string text = align(rows) + "\n";
    rows = {{"STEP", "AFTER", "BYTES"}};
    for (const StepState& step : incident.steps) {
        rows.push_back({one_line(step.name), step_time(step.after_ms),
                        step.bytes ? base::to_text(base::Bytes{*step.bytes}) : ""});
    }
    text += align(rows);
    text += activity_text(incident);
    for (const ThreadState& thread : incident.threads) text += "\n" + thread_text(thread);
    if (!incident.python_stacks.empty()) {
        text += "\nPython stacks\n" + indented(incident.python_stacks, "  ");
    }
    if (!incident.missing.empty()) text += "\nmissing\n" + indented(incident.missing, "  ");
    if (!incident.output.empty())
        text += "\nthe last that it printed\n" + indented(incident.output, "  ");
    return text;
}

}  // namespace windlass::cli
