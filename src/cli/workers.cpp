// `windlass workers`: the processes, and the end of one by hand.
#include <fmt/core.h>
#include <windlass/client.h>

#include "base/bytes.h"
#include "cli/body_text.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/failure_text.h"
#include "cli/model_text.h"
#include "cli/worker_json.h"

namespace windlass::cli {
namespace {

std::string running_text(const WorkerState& worker) {
    std::string text;
    for (const std::string& request : worker.running) {
        text += (text.empty() ? "" : " ") + one_line(request);
    }
    return text.empty() ? "-" : text;
}

// What is not known is not 0.
std::string bytes_or_dash(const std::optional<std::uint64_t>& bytes) {
    return bytes ? base::to_text(base::Bytes{*bytes}) : "-";
}

std::string workers_table(const std::vector<WorkerState>& workers) {
    if (workers.empty()) return "no workers: no model is loaded\n";
    std::vector<std::vector<std::string>> rows = {
        {"ID", "PID", "MODEL", "DEVICE", "CLAIMED", "USED", "STATE", "RUNNING"}};
    for (const WorkerState& worker : workers) {
        rows.push_back({std::to_string(worker.id), std::to_string(worker.pid),
                        one_line(worker.model), one_line(worker.device),
                        bytes_or_dash(worker.memory.claimed.now),
                        bytes_or_dash(worker.memory.used.now),
                        fmt::format("{} ({})", one_line(worker.state), rough_time(worker.since_s)),
                        running_text(worker)});
    }
    return align(rows);
}

}  // namespace

CommandOutcome run(const WorkersArguments& arguments) {
    Client client{{.url = arguments.url}};
    const Outcome<std::string> answer =
        arguments.kill ? client.kill_worker(*arguments.kill) : client.workers();
    if (!answer) return failed(answer.error(), arguments.json);
    if (arguments.json) return {.out = *answer + (answer->ends_with('\n') ? "" : "\n")};
    if (arguments.kill) {
        const auto worker = parse_worker(*answer);
        if (!worker) return failed(worker.error(), false);
        return {.out = fmt::format("worker {} of {}, pid {}: is being killed\n", worker->id,
                                   one_line(worker->model), worker->pid)};
    }
    const auto workers = parse_workers(*answer);
    if (!workers) return failed(workers.error(), false);
    return {.out = workers_table(*workers)};
}

}  // namespace windlass::cli
