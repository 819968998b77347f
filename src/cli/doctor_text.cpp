// The diagnosis for people.
#include <fmt/core.h>

#include <algorithm>

#include "cli/body_text.h"
#include "cli/columns.h"
#include "cli/doctor_diagnosis.h"

namespace windlass::cli {
namespace {

constexpr std::string_view kPlain = "\033[0m";

std::string_view colour_of(Gravity gravity) {
    switch (gravity) {
        case Gravity::error: return "\033[31m";
        case Gravity::warning: return "\033[33m";
        case Gravity::info: return "\033[36m";
    }
    return "";
}

std::string counted(std::size_t count, const char* one, const char* several) {
    return fmt::format("{} {}", count, count == 1 ? one : several);
}

std::string looked_at(const Diagnosis& diagnosis) {
    std::string names;
    for (const std::string& check : diagnosis.checks) {
        names += (names.empty() ? "" : ", ") + check;
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(diagnosis.took);
    return fmt::format("looked at {} in {:.1f} s", names, static_cast<double>(took.count()) / 1e3);
}

std::string finding_text(const Finding& finding, bool is_coloured) {
    const FindingRow& row = row_of(finding.kind);
    return fmt::format("{}{}{}: {} [{}]\n    seen: {}\n    do:   {}\n",
                       is_coloured ? colour_of(row.gravity) : "", to_text(row.gravity),
                       is_coloured ? kPlain : "", row.title, row.id, one_line(finding.evidence),
                       row.remedy);
}

}  // namespace

std::size_t Diagnosis::count(Gravity gravity) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        findings, [=](const Finding& seen) { return row_of(seen.kind).gravity == gravity; }));
}

void arrange(Diagnosis& diagnosis) {
    std::ranges::stable_sort(diagnosis.findings, [](const Finding& a, const Finding& b) {
        const FindingRow& first = row_of(a.kind);
        const FindingRow& second = row_of(b.kind);
        return std::pair{first.gravity, a.kind} < std::pair{second.gravity, b.kind};
    });
    std::vector<Finding> kept;
    for (Finding& finding : diagnosis.findings) {
        if (std::ranges::count(kept, finding) == 0) kept.push_back(std::move(finding));
    }
    diagnosis.findings = std::move(kept);
}

std::string diagnosis_text(const Diagnosis& diagnosis, bool is_coloured) {
    std::vector<std::vector<std::string>> facts;
    facts.reserve(diagnosis.facts.size());
    for (const Fact& fact : diagnosis.facts) facts.push_back({fact.name, one_line(fact.value)});
    std::string text = align(facts) + "\n";
    for (const Finding& finding : diagnosis.findings) {
        text += finding_text(finding, is_coloured) + "\n";
    }
    const std::size_t errors = diagnosis.count(Gravity::error);
    const std::size_t warnings = diagnosis.count(Gravity::warning);
    const std::string verdict = errors + warnings == 0
                                    ? "nothing found"
                                    : fmt::format("{}, {}", counted(errors, "error", "errors"),
                                                  counted(warnings, "warning", "warnings"));
    return text + fmt::format("{}; {}\n", verdict, looked_at(diagnosis));
}

}  // namespace windlass::cli
