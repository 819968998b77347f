// For people: what was replayed, and the story of what was found.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "cli/replay.h"

namespace windlass::cli {
namespace {

using recording::Finding;
using recording::FindingKind;
using recording::RecordingEnd;
using recording::StepText;

std::string time_text(std::int64_t unix_s) {
    const std::time_t seconds = unix_s;
    std::tm utc{};
    if (::gmtime_r(&seconds, &utc) == nullptr) return "an unknown time";
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
    return text.data();
}

std::string list(std::size_t count, const char* what, const std::vector<std::string>& names) {
    std::string text = fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
    for (const std::string& name : names) text += (&name == names.data() ? ": " : ", ") + name;
    return text;
}

std::string end_text(const ReplayReport& report) {
    if (report.end == RecordingEnd::limit) return "It ends where it was as large as it may be.\n";
    if (report.end == RecordingEnd::stopped || report.finding) return "";
    std::string text = "It has no end: the daemon was killed, or still runs, or the file was cut.";
    if (report.torn > 0) {
        text +=
            fmt::format(" Its last {} bytes are no whole record, and were left out.", report.torn);
    }
    return text + "\n";
}

std::string head_line(const StepText& step) {
    return fmt::format("  {:>8}  +{:<14} {}\n", step.number,
                       fmt::format("{:.6f}s", static_cast<double>(step.since.count()) / 1e9),
                       step.event);
}

// The commands on both sides, as a difference of texts: what both begin and end with, and between
// that what only one has.
std::string compare(const std::vector<std::string>& then, const std::vector<std::string>& now) {
    const auto [a, b] = std::ranges::mismatch(then, now);
    const auto same = static_cast<std::size_t>(a - then.begin());
    std::size_t tail = 0;
    while (tail < then.size() - same && tail < now.size() - same &&
           then[then.size() - 1 - tail] == now[now.size() - 1 - tail]) {
        ++tail;
    }
    std::string text;
    for (std::size_t i = 0; i < same; ++i) text += "      " + then[i] + "\n";
    for (std::size_t i = same; i < then.size() - tail; ++i) text += "    - " + then[i] + "\n";
    for (std::size_t i = same; i < now.size() - tail; ++i) text += "    + " + now[i] + "\n";
    for (std::size_t i = then.size() - tail; i < then.size(); ++i)
        text += "      " + then[i] + "\n";
    return text.empty() ? "    (no command)\n" : text;
}

std::string finding_text(const Finding& finding) {
    std::string text = finding.kind == FindingKind::difference
                           ? fmt::format("\nDIFFERENCE at event {}\n", finding.step.number)
                           : fmt::format("\nBROKEN INVARIANT at event {}: {}\n",
                                         finding.step.number, finding.condition);
    if (!finding.before.empty()) text += "\nThe events before, each with its commands:\n";
    for (const StepText& step : finding.before) {
        text += head_line(step);
        for (const std::string& command : step.commands) text += "      " + command + "\n";
    }
    text += "\nThe event:\n" + head_line(finding.step);
    if (!finding.is_recorded) {
        text += "\nThe recording ends here: the daemon may have ended by this very event.\n";
        if (finding.now.empty()) return text;
        text += "The engine commands now, as far as it comes:\n";
    } else {
        text += "\nIts commands; - only in the recording, + only now:\n";
    }
    return text + compare(finding.is_recorded ? finding.step.commands : finding.now, finding.now);
}

}  // namespace

std::string replay_text(const ReplayReport& report) {
    const recording::Summary& summary = report.summary;
    std::string text = fmt::format(
        "{}: recorded {} by Windlass {} ({})\n"
        "{}; {}\n"
        "{} events, {} commands, {:.3f} s\n",
        report.file, time_text(report.head.begun_unix_s), report.head.version, report.head.commit,
        list(summary.models.size(), "model", summary.models),
        list(summary.devices.size(), "device", summary.devices), summary.event_count,
        summary.command_count, static_cast<double>(summary.span.count()) / 1e9);
    text += end_text(report);
    if (report.finding) return text + finding_text(*report.finding);
    return text + "Equal: the engine commands the same now, and its invariants hold.\n";
}

}  // namespace windlass::cli
