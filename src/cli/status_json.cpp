// The daemon's bodies put together into one object.
#include "cli/status_json.h"

#include <boost/json.hpp>

namespace windlass::cli {
namespace {

namespace json = boost::json;

json::value parsed_or_null(std::string_view text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value() : value;
}

std::string health_text(const json::object& health, std::string_view key) {
    const json::value* value = health.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

}  // namespace

base::Result<DaemonState> parse_health(std::string_view text) {
    const json::value value = parsed_or_null(text);
    if (!value.is_object() || health_text(value.get_object(), "daemon_id").empty()) {
        return base::fail(
            base::Errc::data_corrupt,
            "the answer is not what a Windlass daemon says of itself; is `--url` one?");
    }
    const json::object& health = value.get_object();
    DaemonState state{.version = health_text(health, "version"),
                      .commit = health_text(health, "commit"),
                      .daemon_id = health_text(health, "daemon_id"),
                      .configuration = health_text(health, "configuration")};
    if (const json::value* uptime = health.if_contains("uptime_s");
        uptime != nullptr && uptime->is_double()) {
        state.uptime_s = uptime->get_double();
    }
    if (const json::value* troubles = health.if_contains("troubles");
        troubles != nullptr && troubles->is_array()) {
        for (const json::value& trouble : troubles->get_array()) {
            if (!trouble.is_object()) continue;
            state.troubles.push_back(health_text(trouble.get_object(), "message"));
        }
    }
    return state;
}

std::string status_json(const StatusBodies& bodies) {
    json::object out{{"up", true}, {"ready", !bodies.unready}, {"url", bodies.url}};
    if (bodies.unready) {
        out["cause"] = json::object{{"type", bodies.unready->type},
                                    {"reason", bodies.unready->reason},
                                    {"message", bodies.unready->message}};
    }
    out["daemon"] = parsed_or_null(bodies.health);
    const json::value models = parsed_or_null(bodies.models);
    const json::value* list =
        models.is_object() ? models.get_object().if_contains("models") : nullptr;
    out["models"] = list != nullptr ? *list : json::value();
    return json::serialize(out) + "\n";
}

}  // namespace windlass::cli
