// What there is to see of worker processes, and the end of one by hand.
#include "http/workers_api.h"

#include <fmt/core.h>

#include <charconv>

#include "http/workers_json.h"

namespace windlass::http {

Reply list_workers(const Backend& backend) {
    return Reply{.body = to_json(backend.worker_statuses())};
}

Reply list_incidents(const Backend& backend) { return Reply{.body = to_json(backend.incidents())}; }

Reply kill_worker(Backend& backend, const std::string& id) {
    std::uint64_t number = 0;
    const char* const end = id.data() + id.size();
    const auto read = std::from_chars(id.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) {
        return error_reply(base::fail(
            base::Errc::not_found,
            fmt::format("there is no worker {}; GET /api/workers lists them with their ids", id)));
    }
    const base::Result<WorkerStatus> worker = backend.kill_worker(number);
    if (!worker) return error_reply(worker.error());
    return Reply{.body = to_json(*worker)};
}

}  // namespace windlass::http
