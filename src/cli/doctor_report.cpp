// Keeps and hands on what was found.
#include "cli/doctor_report.h"

#include "cli/body_text.h"

namespace windlass::cli {
namespace {

// Of a report's line, which LineSplitter must not cut (io/lines.h).
constexpr std::size_t kEvidenceMax = 2000;

std::string shortened(std::string text) {
    if (text.size() <= kEvidenceMax) return text;
    text.resize(kEvidenceMax);
    return text + " ...";
}

}  // namespace

void Report::add(FindingKind kind, std::string evidence) {
    findings_.push_back({.kind = kind, .evidence = shortened(std::move(evidence))});
    if (sink_.on_finding) sink_.on_finding(findings_.back());
}

void Report::tell(std::string name, std::string value) {
    facts_.push_back({.name = std::move(name), .value = shortened(std::move(value))});
    if (sink_.on_fact) sink_.on_fact(facts_.back());
}

}  // namespace windlass::cli
