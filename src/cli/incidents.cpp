// `windlass incidents`: workers that did not end in peace, and how they were ended.
#include <fmt/core.h>
#include <windlass/client.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/failure_text.h"
#include "cli/incident_text.h"
#include "cli/worker_json.h"

namespace windlass::cli {
namespace {

base::Error no_such_incident(std::uint64_t id) {
    return base::fail(base::Errc::not_found,
                      fmt::format("there is no incident {}; `windlass incidents` lists those that "
                                  "are kept, the latest 100 since the daemon's start",
                                  id));
}

CommandOutcome show_incident(const IncidentsArguments& arguments, const std::string& answer,
                             const std::vector<IncidentState>& incidents) {
    const auto found = std::ranges::find(incidents, *arguments.show, &IncidentState::id);
    if (found == incidents.end()) {
        return failed(no_such_incident(*arguments.show), arguments.json);
    }
    if (arguments.json) return {.out = incident_json(answer, *arguments.show) + "\n"};
    return {.out = incident_details(*found)};
}

}  // namespace

CommandOutcome run(const IncidentsArguments& arguments) {
    Client client{{.url = arguments.url}};
    const Outcome<std::string> answer = client.incidents();
    if (!answer) return failed(answer.error(), arguments.json);
    const auto incidents = parse_incidents(*answer);
    if (!incidents) return failed(incidents.error(), arguments.json);
    if (arguments.show) return show_incident(arguments, *answer, *incidents);
    if (arguments.json) return {.out = *answer + (answer->ends_with('\n') ? "" : "\n")};
    return {.out = incidents_table(*incidents)};
}

}  // namespace windlass::cli
