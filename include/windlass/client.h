/// Calls models that a Windlass daemon serves.
///
///     windlass::Client client;
///     const auto answer = client.call("digits", image, {.content_type =
///     "application/octet-stream"}); if (answer) use(answer->body); else
///     complain(answer.error().type, answer.error().message);
///
/// Nothing here throws (but for std::bad_alloc), and nothing waits for ever.
// lint: long file, a table: one function for each path of the HTTP API
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "windlass/failure.h"
#include "windlass/job.h"

namespace windlass {

struct ClientOptions {
    /// http://HOST[:PORT]; HOST is an IP address or "localhost". Without a port, 7411. Or
    /// unix:/PATH, an absolute path: the daemon's Unix socket.
    std::string url = "http://127.0.0.1:7411";
    /// How long making a connection may take.
    std::chrono::nanoseconds connect_timeout = std::chrono::seconds{5};
    /// How long models(), model() and health() may take in all.
    std::chrono::nanoseconds query_timeout = std::chrono::seconds{30};
    /// How long a call, load or unload without a timeout of its own may take at most. The daemon's
    /// `call_timeout` ends it earlier; this holds when the daemon does not.
    std::chrono::nanoseconds call_limit = std::chrono::hours{24};
    /// A larger answer is a failure of the type "unsupported".
    std::uint64_t answer_bytes_max = std::uint64_t{1} << 30;
};

struct CallOptions {
    /// What `input` is; the model sees it. Empty: none is said.
    std::string content_type = {};
    /// From sending to answer. The daemon's default is the model's `call_timeout`.
    std::optional<std::chrono::nanoseconds> timeout = {};
    /// How long it may wait for its turn, loading included. The default is `wait_timeout`.
    std::optional<std::chrono::nanoseconds> wait = {};
    /// 0 (first) to 9 (last); the default is 4.
    std::optional<unsigned> priority = {};
    /// A variant of the model by its name; empty: the model itself. Where there are no options, as
    /// for load(), the model's name is "model:variant".
    std::string variant = {};
};

/// What a model answered, and how that went.
struct Answer {
    std::string body;
    std::string content_type = {};
    std::string request_id = {};
    /// The generation of the copy that ran it.
    std::uint64_t copy = 0;
    int worker_pid = 0;
    std::string device = {};
    std::chrono::nanoseconds queue_time = {};
    std::chrono::nanoseconds load_time = {};
    std::chrono::nanoseconds run_time = {};
    /// Memory, in bytes; docs/http-api.md tells what each means. Absent: not known.
    std::optional<std::uint64_t> total_bytes = {};
    std::optional<std::uint64_t> free_before_bytes = {};
    std::optional<std::uint64_t> peak_bytes = {};
    std::optional<std::uint64_t> context_bytes = {};
    /// Another run was in that process beside this one: the peak may be that of either.
    std::optional<bool> shared = {};
};

/// A connection to a daemon: made with the first request, kept, and made again when the daemon
/// closed it. All functions block, at most as long as their timeouts say. Not to be used from two
/// threads at the same time; each thread, and each process after a fork, makes its own Client.
class Client {
  public:
    explicit Client(ClientOptions options = {});
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Runs the model once on `input`. A call whose connection broke is not sent again by itself,
    /// because it may have been carried out; see Failure::reason.
    Outcome<Answer> call(std::string_view model, std::string_view input,
                         const CallOptions& options = {});

    /// Hands `input` over to be worked on while nobody waits. Once this succeeds the job is on disk
    /// and will end. After a lost connection the same with the same `key` makes no second one.
    Outcome<JobTicket> submit(std::string_view model, std::string_view input,
                              const JobOptions& options = {});
    /// A job as it is once it is over, or after `wait` (at most an hour); as the JSON text of the
    /// HTTP API.
    Outcome<std::string> job(std::string_view id, std::chrono::nanoseconds wait = {});
    /// What the model made of it. The failure is "conflict" while it is not over; of a job that
    /// failed or was cancelled it is the job's own.
    Outcome<JobResult> job_result(std::string_view id);
    /// What is to become of it; the job then, as JSON text.
    Outcome<std::string> order_job(JobOrder order, std::string_view id);
    /// The same for all that the query admits, "state=failed&model=flux"; JSON text with "count".
    Outcome<std::string> order_jobs(JobOrder order, std::string_view query);
    /// Jobs, the latest first; `query`: "state=running,held&limit=10&after=j17". As JSON text.
    Outcome<std::string> jobs(std::string_view query);
    /// How many jobs there are in each state; `query`: "detailed=1&since=24h". As JSON text.
    Outcome<std::string> queue(std::string_view query = {});

    /// The state of all models, and of one, as the JSON text of the HTTP API.
    Outcome<std::string> models();
    Outcome<std::string> model(std::string_view model);

    /// GPUs and the CPU: how full, who holds what, whether they answer; as the JSON text of the
    /// HTTP API. Answered from what the daemon knows, so it never waits for a driver.
    Outcome<std::string> devices();

    /// Waits until the model is loaded, or unloaded; its state then, as JSON text. Without a
    /// timeout the model's `call_timeout` counts.
    Outcome<std::string> load(std::string_view model,
                              std::optional<std::chrono::nanoseconds> timeout = {});
    Outcome<std::string> unload(std::string_view model,
                                std::optional<std::chrono::nanoseconds> timeout = {});
    /// A hint that it is wanted soon: its load begins once there is room, and nobody waits for it
    /// or is moved for it. Its state now, as JSON text.
    Outcome<std::string> prefetch(std::string_view model);
    /// Unloads it with no grace: its process is killed at once, with whatever runs in it.
    Outcome<std::string> unload_at_once(std::string_view model,
                                        std::optional<std::chrono::nanoseconds> timeout = {});
    /// Waits until nobody uses the model, and its weights have left the device for host memory.
    Outcome<std::string> offload(std::string_view model,
                                 std::optional<std::chrono::nanoseconds> timeout = {});
    /// Lets what runs finish, then waits until the model is ready in a new process.
    Outcome<std::string> restart(std::string_view model,
                                 std::optional<std::chrono::nanoseconds> timeout = {});

    /// From now on no further run of the model begins; what waits keeps waiting until `resume`.
    Outcome<std::string> pause(std::string_view model);
    Outcome<std::string> resume(std::string_view model);

    /// All worker processes, and the end of one at once by its id, as JSON text.
    Outcome<std::string> workers();
    Outcome<std::string> kill_worker(std::uint64_t id);

    /// The latest workers that had to be ended or died, the latest first: causes, steps with their
    /// times, stacks; as the JSON text of the HTTP API.
    Outcome<std::string> incidents();

    /// Why a request (by its id, "r17") waits, or what holds a model up, who holds the memory and
    /// what would end it; without a word all models that wait or are not well, the most urgent
    /// first. As the JSON text of the HTTP API.
    Outcome<std::string> explain(std::string_view subject = {});
    /// What happened, as the JSON text of the HTTP API; `query`: "model=digits&after=17".
    Outcome<std::string> events(std::string_view query);
    /// As it happens: server-sent events, cut anywhere, until `on_piece` is false or they end.
    using OnPiece = std::function<bool(std::string_view piece)>;
    Outcome<void> follow_events(std::string_view query, const OnPiece& on_piece);

    /// What the daemon says of itself, as JSON text.
    Outcome<std::string> health();

    /// Whether requests should be sent there; if not, the failure says why.
    Outcome<std::string> ready();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace windlass
