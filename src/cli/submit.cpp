// `windlass submit`: hands a job over, and waits for it where that is wanted.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

#include "cli/body_text.h"
#include "cli/call.h"
#include "cli/failure_text.h"
#include "cli/job_follow.h"
#include "cli/output_json.h"

namespace windlass::cli {
namespace {

std::string ticket_json(const JobTicket& ticket) {
    return fmt::format(R"({{"id":{},"state":{},"new":{}}})"
                       "\n",
                       quoted_json(ticket.id), quoted_json(ticket.state), ticket.is_new);
}

}  // namespace

CommandOutcome run(const SubmitArguments& arguments) {
    const base::Result<Input> input = read_input(
        {.data = arguments.data, .file = arguments.file, .content_type = arguments.content_type});
    if (!input) return failed(input.error(), arguments.json);
    Client client{{.url = arguments.url}};
    JobOptions options = arguments.options;
    options.content_type = input->content_type;
    const Outcome<JobTicket> ticket = client.submit(arguments.model, input->body, options);
    if (!ticket) return failed(ticket.error(), arguments.json);
    if (!arguments.wait && !arguments.follow) {
        return {.out = arguments.json ? ticket_json(*ticket) : one_line(ticket->id) + "\n"};
    }
    // At once, and not where the result goes: whoever interrupts the wait needs it.
    std::fputs(fmt::format("windlass: the job is {}\n", one_line(ticket->id)).c_str(), stderr);
    const auto followed =
        follow_job(client, ticket->id, arguments.follow ? Following::visibly : Following::quietly);
    if (!followed) return failed(followed.error(), arguments.json);
    const Outcome<JobResult> result = client.job_result(ticket->id);
    if (!result) return failed(result.error(), arguments.json);
    if (!arguments.json || arguments.output) {
        CommandOutcome shown = show_body(result->body, result->content_type, arguments.output,
                                         isatty(STDOUT_FILENO) != 0);
        if (!arguments.json || shown.exit_code != 0) return shown;
    }
    return {.out = result_json(ticket->id, *result)};
}

}  // namespace windlass::cli
