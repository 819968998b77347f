// JSON of `windlass config`, one object and a line break.
#include "cli/config_json.h"

#include <boost/json.hpp>

#include "daemon/configuration_keys.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

// In braces a json::value would be a list of one.
json::value number_or_null(std::uint32_t number) {
    return number == 0 ? json::value() : json::value(number);
}

json::value text_or_null(std::string_view text) {
    return text.empty() ? json::value() : json::value(text);
}

json::object problem_object(const daemon::Problem& problem) {
    return {
        {"severity", problem.severity == daemon::Severity::error ? "error" : "notice"},
        {"file", problem.file},
        {"line", number_or_null(problem.line)},
        {"column", number_or_null(problem.column)},
        {"message", problem.message},
    };
}

}  // namespace

std::string check_json(const std::string& file, const daemon::LoadedConfiguration& loaded) {
    json::array problems;
    for (const daemon::Problem& problem : loaded.problems)
        problems.push_back(problem_object(problem));
    json::array models;
    if (loaded.configuration) {
        for (const auto& model : loaded.configuration->models) models.emplace_back(model.name);
    }
    return json::serialize(json::object{{"file", file},
                                        {"ok", loaded.configuration.has_value()},
                                        {"models", std::move(models)},
                                        {"problems", std::move(problems)}}) +
           "\n";
}

std::string keys_json() {
    json::array keys;
    for (const daemon::Key& key : daemon::key_table()) {
        keys.push_back(json::object{
            {"section", daemon::section_title(key.section)},
            {"key", key.name},
            {"default", text_or_null(key.default_text)},
            {"example", text_or_null(key.example)},
            {"wanted", daemon::wanted(key)},
            {"has_effect", key.floor == daemon::Floor::present},
            {"meaning", key.meaning},
        });
    }
    return json::serialize(json::object{{"keys", std::move(keys)}}) + "\n";
}

}  // namespace windlass::cli
