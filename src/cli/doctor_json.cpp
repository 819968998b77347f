// JSON of `windlass doctor`: what it prints, and what its checks tell it.
#include <boost/json.hpp>

#include "base/utf8.h"
#include "base/version.h"
#include "cli/doctor_diagnosis.h"
#include "cli/json_fields.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

std::string one_json_line(const json::object& object) { return json::serialize(object) + "\n"; }

json::object to_object(const Finding& finding) {
    const FindingRow& row = row_of(finding.kind);
    return {{"id", row.id},       {"severity", to_text(row.gravity)}, {"check", row.check},
            {"title", row.title}, {"evidence", finding.evidence},     {"remedy", row.remedy}};
}

}  // namespace

std::string diagnosis_json(const Diagnosis& diagnosis) {
    json::array findings;
    for (const Finding& finding : diagnosis.findings) findings.push_back(to_object(finding));
    json::object facts;
    for (const Fact& fact : diagnosis.facts) facts[fact.name] = fact.value;
    json::array checks;
    for (const std::string& check : diagnosis.checks) checks.emplace_back(check);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(diagnosis.took);
    return one_json_line({
        {"version", base::version()},
        {"commit", base::commit()},
        {"took_ms", took.count()},
        {"errors", diagnosis.count(Gravity::error)},
        {"warnings", diagnosis.count(Gravity::warning)},
        {"infos", diagnosis.count(Gravity::info)},
        {"checks", std::move(checks)},
        {"findings", std::move(findings)},
        {"facts", std::move(facts)},
    });
}

std::string finding_line(const Finding& finding) {
    return one_json_line({{"finding", row_of(finding.kind).id},
                          {"evidence", base::to_valid_utf8(finding.evidence)}});
}

std::string fact_line(const Fact& fact) {
    return one_json_line(
        {{"fact", base::to_valid_utf8(fact.name)}, {"value", base::to_valid_utf8(fact.value)}});
}

std::string done_line() { return one_json_line({{"done", true}}); }

bool read_line(std::string_view line, Diagnosis& diagnosis) {
    boost::system::error_code error;
    const json::value value = json::parse(line, error);
    if (error || !value.is_object()) return false;
    const json::object& object = value.get_object();
    if (const auto kind = find_kind(read_text(object, "finding"))) {
        diagnosis.findings.push_back({.kind = *kind, .evidence = read_text(object, "evidence")});
    }
    if (std::string name = read_text(object, "fact"); !name.empty()) {
        diagnosis.facts.push_back({.name = std::move(name), .value = read_text(object, "value")});
    }
    return object.contains("done");
}

}  // namespace windlass::cli
