// Reads the ticket of a job.
#include "client/job_json.h"

#include "client/json_reader.h"

namespace windlass::client {

std::optional<JobTicket> parse_ticket(std::string_view body) {
    JobTicket ticket;
    JsonReader json{body};
    const bool is_read = json.read_object([&](std::string_view key) {
        if (key == "id") return json.read_string(ticket.id);
        if (key == "state") return json.read_string(ticket.state);
        if (key == "new") return json.read_bool(ticket.is_new);
        return json.skip_value();
    });
    if (!is_read || !json.is_at_end() || ticket.id.empty()) return std::nullopt;
    return ticket;
}

}  // namespace windlass::client
