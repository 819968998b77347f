// Boost.JSON on both ways.
#include "cli/drill_json.h"

#include <algorithm>
#include <boost/json.hpp>

#include "cli/json_fields.h"

namespace windlass::cli::drill {
namespace {

namespace json = boost::json;

std::optional<json::object> parse_object(std::string_view text) {
    boost::system::error_code failed;
    json::value value = json::parse({text.data(), text.size()}, failed);
    if (failed || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

json::value milliseconds(const std::optional<base::Duration>& duration) {
    if (!duration) return {};
    return std::chrono::duration_cast<std::chrono::milliseconds>(*duration).count();
}

json::array checks_json(const Report& report) {
    json::array checks;
    for (const Check& check : report.checks) {
        checks.push_back(json::object{{"what", check.what},
                                      {"expected", check.expected},
                                      {"happened", check.happened},
                                      {"met", check.is_met},
                                      {"after_ms", milliseconds(check.after)}});
    }
    return checks;
}

json::array answers_json(const Report& report) {
    json::array answers;
    for (const Told& told : report.told) {
        if (told.failure.empty()) {
            answers.push_back(json::object{{"worker_pid", told.pid}, {"copy", told.copy}});
        } else {
            answers.push_back(json::object{{"failure", told.failure}});
        }
    }
    return answers;
}

json::array series_json(const Report& report) {
    json::array series;
    for (const Look& look : report.looks) {
        json::array processes;
        for (const Holding& holding : look.holdings) {
            processes.push_back(
                json::object{{"pid", holding.pid}, {"bytes", holding.bytes.count()}});
        }
        series.push_back(json::object{{"at_ms", milliseconds(look.at)},
                                      {"ours_bytes", look.ours.count()},
                                      {"used_bytes", look.used.count()},
                                      {"processes", std::move(processes)}});
    }
    return series;
}

json::array phases_json(const Report& report) {
    json::array phases;
    for (const Phase& phase : report.phases) {
        const auto mark = high_water(report.looks, phase);
        phases.push_back(
            json::object{{"name", phase.name},
                         {"begin_ms", milliseconds(phase.begin)},
                         {"end_ms", milliseconds(phase.end)},
                         {"high_water_bytes", mark ? json::value(mark->count()) : json::value()}});
    }
    return phases;
}

}  // namespace

std::optional<std::string> find_url(std::string_view log_line) {
    const auto record = parse_object(log_line);
    if (!record || read_text(*record, "event") != "daemon.started") return std::nullopt;
    return "http://" + read_text(*record, "listen");
}

Told parse_told(std::string_view text) {
    const auto answer = parse_object(text);
    if (!answer) return {.failure = "no answer"};
    if (const json::value* error = answer->if_contains("error");
        error != nullptr && error->is_object()) {
        const json::object& fields = error->get_object();
        return {.failure = read_text(fields, "type") + ": " + read_text(fields, "message")};
    }
    return {.pid = static_cast<int>(read_count(*answer, "worker_pid").value_or(0)),
            .copy = read_count(*answer, "copy").value_or(0),
            .run_ms = read_number(*answer, "run_ms").value_or(0)};
}

std::optional<int> parse_pid(std::string_view text) {
    const auto answer = parse_object(text);
    const auto pid = answer ? read_count(*answer, "pid") : std::nullopt;
    if (!pid) return std::nullopt;
    return static_cast<int>(*pid);
}

std::string toml_text(std::string_view text) { return json::serialize(json::string{text}); }

std::string summary_json(const std::vector<Report>& reports) {
    json::array drills;
    for (const Report& report : reports) {
        drills.push_back(json::object{{"drill", report.drill},
                                      {"passed", is_passed(report)},
                                      {"verdict", verdict_text(report)},
                                      {"took_ms", milliseconds(report.took)},
                                      {"checks", checks_json(report)}});
    }
    const json::object object{{"drill", "all"},
                              {"passed", std::ranges::all_of(reports, is_passed)},
                              {"drills", std::move(drills)}};
    return json::serialize(object) + "\n";
}

std::string report_json(const Report& report) {
    const json::object object{{"drill", report.drill},
                              {"passed", is_passed(report)},
                              {"verdict", verdict_text(report)},
                              {"takes", report.promise},
                              {"took_ms", milliseconds(report.took)},
                              {"checks", checks_json(report)},
                              {"answers", answers_json(report)},
                              {"phases", phases_json(report)},
                              {"series", series_json(report)}};
    return json::serialize(object) + "\n";
}

}  // namespace windlass::cli::drill
