// The daemon's bodies put together into one object.
#include "cli/status_json.h"

#include <boost/json.hpp>

#include "cli/json_fields.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

json::value parsed_or_null(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    return error ? json::value() : value;
}

}  // namespace

base::Result<DaemonState> parse_health(std::string_view text) {
    const json::value value = parsed_or_null(text);
    if (!value.is_object() || read_text(value.get_object(), "daemon_id").empty()) {
        return base::fail(
            base::Errc::data_corrupt,
            "the answer is not what a Windlass daemon says of itself; is `--url` one?");
    }
    const json::object& health = value.get_object();
    DaemonState state{.version = read_text(health, "version"),
                      .commit = read_text(health, "commit"),
                      .daemon_id = read_text(health, "daemon_id"),
                      .configuration = read_text(health, "configuration"),
                      .status = read_text(health, "status"),
                      .uptime_s = read_number(health, "uptime_s").value_or(0),
                      .troubles = {}};
    for_each_object(health, "troubles", [&state](const json::object& trouble) {
        state.troubles.push_back(read_text(trouble, "message"));
    });
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
