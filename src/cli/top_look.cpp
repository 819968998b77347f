// Questions, and the answers put together.
#include "cli/top_look.h"

#include <fmt/core.h>

#include <utility>

#include "cli/output_json.h"

namespace windlass::cli {
namespace {

// The fields of a body that is an object.
std::string_view fields_of(std::string_view body) {
    const std::size_t first = body.find('{');
    const std::size_t last = body.rfind('}');
    if (first == body.npos || last == body.npos || last < first) return {};
    return body.substr(first + 1, last - first - 1);
}

}  // namespace

Outcome<TopBodies> ask_for_look(Client& client) {
    TopBodies bodies;
    const auto keep = [](Outcome<std::string> answer, std::string& body) -> std::optional<Failure> {
        if (!answer) return answer.error();
        body = std::move(*answer);
        return std::nullopt;
    };
    if (auto failure = keep(client.health(), bodies.health)) return std::unexpected{*failure};
    if (auto failure = keep(client.workers(), bodies.workers)) return std::unexpected{*failure};
    if (auto failure = keep(client.models(), bodies.models)) return std::unexpected{*failure};
    if (auto failure = keep(client.devices(), bodies.devices)) return std::unexpected{*failure};
    return bodies;
}

base::Result<TopLook> parse_look(const TopBodies& bodies) {
    TopLook look;
    look.daemon = WL_TRY(parse_health(bodies.health));
    look.devices = WL_TRY(parse_devices(bodies.devices));
    look.workers = WL_TRY(parse_workers(bodies.workers));
    look.models = WL_TRY(parse_models(bodies.models));
    return look;
}

// The bodies are kept as they are, so that nothing of them is lost on the way.
std::string look_json(std::string_view time, std::string_view url, const TopBodies& bodies) {
    return fmt::format(R"({{"time":"{}","url":{},"daemon":{{{}}},{},{},{}}})", time,
                       quoted_json(url), fields_of(bodies.health), fields_of(bodies.devices),
                       fields_of(bodies.workers), fields_of(bodies.models)) +
           "\n";
}

std::string trouble_json(std::string_view time, std::string_view url, const Failure& failure) {
    return fmt::format(R"({{"time":"{}","url":{},{}}})", time, quoted_json(url),
                       fields_of(error_json(failure))) +
           "\n";
}

}  // namespace windlass::cli
