// Tables, bars and the verdict.
#include "cli/drill_report.h"

#include <fmt/core.h>

#include <algorithm>

#include "cli/columns.h"

namespace windlass::cli::drill {
namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kSeriesRows = 24;  // a screen
constexpr std::uint64_t kBarLength = 40;

std::string seconds_text(base::Duration duration) {
    return fmt::format("{:.1f} s", base::to_milliseconds(duration) / 1000);
}

std::string checks_text(const Report& report) {
    Rows rows = {{"", "WHAT", "EXPECTED", "HAPPENED", "AFTER"}};
    for (const Check& check : report.checks) {
        rows.push_back({check.is_met ? "ok" : "NOT", check.what, check.expected, check.happened,
                        check.after ? seconds_text(*check.after) : ""});
    }
    return align(rows);
}

std::string told_text(const Report& report) {
    if (report.told.empty()) return {};
    Rows rows = {{"ANSWER", "WORKER PID", "COPY", "RUN"}};
    for (std::size_t i = 0; i < report.told.size(); ++i) {
        const Told& told = report.told[i];
        const std::string number = fmt::format("{}", i + 1);
        if (!told.failure.empty()) {
            rows.push_back({number, "-", "-", told.failure});
        } else {
            rows.push_back({number, fmt::format("{}", told.pid), fmt::format("{}", told.copy),
                            fmt::format("{:.0f} ms", told.run_ms)});
        }
    }
    return "\n" + align(rows);
}

// The fullest look of each of kSeriesRows stretches, with a bar.
std::string series_text(const Report& report) {
    const std::vector<Look>& looks = report.looks;
    if (looks.empty()) return {};
    const auto fuller = [](const Look& a, const Look& b) { return a.ours < b.ours; };
    const std::uint64_t most =
        std::max<std::uint64_t>(1, std::ranges::max_element(looks, fuller)->ours.count());
    const std::size_t step = (looks.size() + kSeriesRows - 1) / kSeriesRows;
    Rows rows = {{"TIME", "DEVICE MEMORY"}};
    for (std::size_t i = 0; i < looks.size(); i += step) {
        const auto begin = looks.begin() + static_cast<std::ptrdiff_t>(i);
        const auto end = begin + static_cast<std::ptrdiff_t>(std::min(step, looks.size() - i));
        const Look& look = *std::max_element(begin, end, fuller);
        // In steps of a thousandth, so that no product overflows.
        const std::uint64_t share = look.ours.count() / std::max<std::uint64_t>(1, most / 1000);
        const auto length = static_cast<std::size_t>(share * kBarLength / 1000);
        rows.push_back({seconds_text(look.at), base::to_text(look.ours), std::string(length, '#')});
    }
    std::string text = "\n" + align(rows);
    for (const Phase& phase : report.phases) {
        const auto mark = high_water(looks, phase);
        text += fmt::format("high-water mark {}: {}\n", phase.name,
                            mark ? base::to_text(*mark) : "not seen");
    }
    return text;
}

}  // namespace

std::vector<Holding> copies_of(const Look& look, const std::vector<int>& parts, base::Bytes least) {
    std::vector<Holding> found;
    std::ranges::copy_if(look.holdings, std::back_inserter(found), [&](const Holding& holding) {
        return holding.bytes >= least && std::ranges::find(parts, holding.part) != parts.end();
    });
    return found;
}

std::optional<base::Bytes> high_water(const std::vector<Look>& looks, const Phase& phase) {
    std::optional<base::Bytes> most;
    for (const Look& look : looks) {
        if (look.at >= phase.begin && look.at <= phase.end)
            most = std::max(most.value_or(look.ours), look.ours);
    }
    return most;
}

bool is_passed(const Report& report) {
    return !report.checks.empty() && std::ranges::all_of(report.checks, &Check::is_met);
}

std::string verdict_text(const Report& report) {
    const std::string name = "drill " + report.drill;
    if (is_passed(report)) {
        return fmt::format("{}: passed: all {} as expected, in {}\n", name, report.checks.size(),
                           seconds_text(report.took));
    }
    std::string shortfalls;
    for (const Check& check : report.checks) {
        if (check.is_met) continue;
        shortfalls += fmt::format("{}{}: expected {}, happened {}", shortfalls.empty() ? "" : "; ",
                                  check.what, check.expected, check.happened);
    }
    if (shortfalls.empty()) shortfalls = "nothing was looked at";
    return fmt::format("{}: fell short: {}\n", name, shortfalls);
}

std::string summary_text(const std::vector<Report>& reports) {
    Rows rows = {{"", "DRILL", "CHECKS", "TOOK"}};
    std::string shortfalls;
    for (const Report& report : reports) {
        const auto met = std::ranges::count_if(report.checks, &Check::is_met);
        rows.push_back({is_passed(report) ? "ok" : "NOT", report.drill,
                        fmt::format("{} of {}", met, report.checks.size()),
                        seconds_text(report.took)});
        if (!is_passed(report)) shortfalls += "\n" + verdict_text(report) + checks_text(report);
    }
    return align(rows) + shortfalls;
}

std::string to_text(const Report& report) {
    return checks_text(report) + told_text(report) + series_text(report);
}

}  // namespace windlass::cli::drill
