// What the HTTP surface asks of the daemon, as plain structs, and the interface that answers it.
// Thread: main.
// lint: long file, a table: one struct for each question and one line for each that answers
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/event_record.h"
#include "base/result.h"
#include "base/time.h"
#include "http/device_status.h"
#include "http/explanation_status.h"
#include "http/forward_hooks.h"
#include "http/job_backend.h"
#include "http/model_status.h"
#include "http/reply_stream.h"
#include "http/worker_status.h"

namespace windlass::http {

// POST /api/models/{model}/call. Absent values mean the model's defaults.
struct CallRequest {
    std::string model;         // percent-decoded, not checked: any bytes
    std::string content_type;  // empty when the client sent none
    std::string body;
    std::optional<base::Duration> timeout = {};  // > 0; arrival to answer
    std::optional<base::Duration> wait = {};     // >= 0; arrival to dispatch
    std::optional<unsigned> priority = {};       // 0 (first) to 9
    std::optional<std::string> variant = {};     // [A-Za-z0-9._-]{1,64}
};

// Of the device that a run was on, and of the process that it was in; what nobody knows is absent.
struct RunMemory {
    std::optional<base::Bytes> total = {};        // the device's
    std::optional<base::Bytes> free_before = {};  // there, when it was last measured before the run
    std::optional<base::Bytes> peak = {};         // the process's, of this run
    std::optional<base::Bytes> context = {};      // what its allocator knows nothing of
    bool is_shared = false;                       // another run was in the process beside it
};

struct CallAnswer {
    std::string content_type;
    std::string body;
    std::uint64_t copy = 0;  // generation of the replica that ran it
    int worker_pid = 0;
    std::string device;
    base::Duration queue = {};
    base::Duration load = {};
    base::Duration run = {};
    RunMemory memory = {};
};

// What an administrator may order: POST /api/models/{model}/load and so on.
enum class ModelAction : std::uint8_t { load, offload, unload, restart, pause, resume };

struct ModelOrder {
    ModelAction action = ModelAction::load;
    std::string model;                           // percent-decoded, not checked: any bytes
    std::optional<base::Duration> timeout = {};  // > 0; pause and resume take no time
    bool may_evict = true;                       // a load: others may have to make room
    bool is_awaited = true;                      // a load: answered when it is over, not at once
    bool is_forced = false;                      // unload: at once, with whatever runs in it
};

// Why GET /healthz says "degraded": what does not work although the daemon does.
struct Trouble {
    std::string reason;  // "device_unresponsive", "device_lost", "device_failing", "no_listing",
                         // "store_failed"
    std::string device;  // its UUID; empty: it is not about one
    std::string message;
};

// GET /healthz.
struct Health {
    bool stopping = false;               // "status" is "stopping" instead of "ok"
    std::vector<Trouble> troubles = {};  // if there are any, and it does not stop: "degraded"
    std::string version;
    std::string commit;
    std::string daemon_id;
    std::string configuration;  // path of the file
    base::Duration uptime = {};
};

// What the server itself counts, for GET /metrics.
struct ConnectionCounters {
    std::size_t open = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;     // of these, answered `too_many_connections`
    std::uint64_t body_bytes = 0;  // kept for requests and replies
};

// Why GET /readyz is not 200.
struct Unready {
    base::Error error;
    std::string model = {};  // empty: it is not about one
};

// `request_id` is what the client sees ("r17"); empty when the request was refused before it got
// one.
using CallReply = std::move_only_function<void(std::string request_id, base::Result<CallAnswer>)>;
using ModelReply = std::move_only_function<void(std::string request_id, base::Result<ModelStatus>)>;
using EventsReply = std::move_only_function<void(base::Result<base::EventPage>)>;

// Implemented by the daemon. Each reply function is called at most once, on the main thread;
// calling one after its client or even its server has gone is allowed and does nothing.
class Backend {
  public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    // These three return a number that is unique among all, under which the request can be
    // withdrawn; or 0 when `reply`, or `fail`, was called before they returned.
    virtual std::uint64_t call(CallRequest request, CallReply reply) = 0;
    virtual std::uint64_t order(ModelOrder order, ModelReply reply) = 0;
    virtual std::uint64_t forward(CallRequest request, ForwardHooks hooks) = 0;  // without a body
    // Of a forwarded request, from the loop: it reached the program; something came from either
    // side; its exchange with the program is over, as a whole or by an error.
    virtual void forward_started(std::uint64_t request) = 0;
    virtual void forward_moved(std::uint64_t request, Mover mover) = 0;
    virtual void forward_ended(const ForwardPlace& place,
                               const std::optional<base::Error>& error) = 0;
    // Nobody waits for the answer to that call or order any more. Called at most once for each,
    // never after its reply and never from inside one of the two functions above.
    virtual void client_gone(std::uint64_t request) = 0;

    virtual base::Result<ModelStatus> model(std::string_view name) const = 0;
    virtual std::vector<ModelStatus> models() const = 0;
    virtual DevicesStatus devices() const = 0;
    virtual std::vector<WorkerStatus> worker_statuses() const = 0;  // in the order of their start
    // Begins to end it and does not wait. Errors: not_found; conflict if it was killed already.
    virtual base::Result<WorkerStatus> kill_worker(std::uint64_t id) = 0;
    virtual std::vector<IncidentStatus> incidents() const = 0;  // the latest first
    // Not withdrawn when its client goes away: it takes no more than a moment.
    virtual void list_events(base::EventQuery query, EventsReply reply) = 0;
    // In the form of server-sent events, until either side ends it; see event_text.h.
    virtual void follow_events(base::EventQuery query, ReplyStream stream) = 0;
    // Of a request ("r17") or a model. Errors: not_found.
    virtual base::Result<ExplanationStatus> explain(std::string_view subject) const = 0;
    // Models that wait or are not well, the most urgent first.
    virtual std::vector<ExplanationStatus> explanations() const = 0;
    virtual JobBackend& jobs() = 0;  // lives as long as this does
    virtual Health health() const = 0;
    virtual std::optional<Unready> unready() const = 0;  // empty: ready
    // In the text format of Prometheus, version 0.0.4.
    virtual std::string metrics(const ConnectionCounters& connections) = 0;
};

}  // namespace windlass::http
