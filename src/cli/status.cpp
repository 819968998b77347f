// `windlass status`: whether a daemon is there and takes requests, and what its models do.
#include <fmt/core.h>
#include <poll.h>
#include <windlass/client.h>

#include <algorithm>
#include <chrono>

#include "cli/body_text.h"
#include "cli/commands.h"
#include "cli/failure_text.h"
#include "cli/model_text.h"
#include "cli/status_json.h"

namespace windlass::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kPollPause = 100ms;   // between two questions
constexpr auto kQuestionLimit = 5s;  // for one of them

// Asks until the daemon is there and ready, or the time is over; why it is not, at last. There is
// nothing to wait on while no daemon is there: hence the pauses.
std::optional<Failure> wait_until_ready(Client& client, base::Duration limit) {
    const std::chrono::steady_clock::time_point end = std::chrono::steady_clock::now() + limit;
    while (true) {
        const Outcome<std::string> ready = client.ready();
        if (ready) return std::nullopt;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        const bool may_change =
            ready.error().type == "unavailable" || ready.error().type == "timeout";
        if (left <= 0ms || !may_change) return ready.error();
        ::poll(nullptr, 0,
               static_cast<int>(std::min<std::chrono::milliseconds>(left, kPollPause).count()));
    }
}

std::string troubles_text(const DaemonState& daemon) {
    std::string text;
    for (const std::string& trouble : daemon.troubles) {
        text += fmt::format("degraded: {}\n", one_line(trouble));
    }
    return text;
}

std::string status_text(const std::string& url, const DaemonState& daemon,
                        const std::optional<Failure>& unready) {
    return fmt::format(
        "windlass {} ({}), {} for {}, {}\nconfiguration: {}\n{}\n{}", one_line(daemon.version),
        one_line(daemon.commit), one_line(url), rough_time(daemon.uptime_s),
        one_line(daemon.daemon_id), one_line(daemon.configuration),
        unready ? "not ready: " + several_lines(unready->message) : "ready", troubles_text(daemon));
}

}  // namespace

CommandOutcome run(const StatusArguments& arguments) {
    Client client{{.url = arguments.url, .query_timeout = kQuestionLimit}};
    const std::optional<Failure> unready =
        wait_until_ready(client, arguments.wait.value_or(base::Duration{0}));
    const Outcome<std::string> health = client.health();
    if (!health) return failed(health.error(), arguments.json);
    const Outcome<std::string> models = client.models();
    if (!models) return failed(models.error(), arguments.json);
    const int exit_code = unready ? unready->exit_code : 0;
    if (arguments.json) {
        return {.exit_code = exit_code,
                .out = status_json({arguments.url, *health, *models, unready})};
    }
    const auto daemon = parse_health(*health);
    if (!daemon) return failed(daemon.error(), false);
    const auto states = parse_models(*models);
    if (!states) return failed(states.error(), false);
    return {.exit_code = exit_code,
            .out = status_text(arguments.url, *daemon, unready) + models_table(*states)};
}

}  // namespace windlass::cli
