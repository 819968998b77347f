/// Serves a model written in C++ to a Windlass daemon.
///
///     namespace worker = windlass::worker;
///     class Echo : public worker::Model {
///         worker::Outcome<void> load(const std::string&) override { return {}; }
///         worker::Outcome<worker::Answer> run(worker::Request& request) override {
///             return worker::Answer{.body = std::move(request.body)};
///         }
///     };
///     int main() { Echo echo; return worker::serve(echo); }
///
/// A hook reports a failure by its return value. What it throws becomes an error too:
/// std::bad_alloc `host_out_of_memory`, anything else `internal` with its text.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace windlass::sdk {
class Reporter;
struct Run;
}  // namespace windlass::sdk

namespace windlass::worker {

/// One for each thing that a caller does differently; docs/errors.md tells what each leads to.
enum class ErrorType : std::uint8_t {
    invalid_input,  ///< the request can never succeed as it is
    permission_denied,
    not_found,
    conflict,
    queue_full,
    unavailable,         ///< cannot be served now; `reason` says why
    out_of_memory,       ///< of the device
    host_out_of_memory,  ///< of the machine
    transient,           ///< may well succeed when tried again; an `idempotent` model's is
    device_lost,         ///< the device does not answer any more; the worker is replaced
    driver_missing,
    timeout,
    stalled,
    cancelled,  ///< ended because Request::cancelled() was true
    worker_lost,
    context_lost,  ///< the context on the device is poisoned; the worker is replaced
    unsupported,   ///< a well-formed wish that is not implemented
    data_corrupt,
    internal,  ///< anything else
};

struct Error {
    ErrorType type = ErrorType::internal;
    /// What happened, to what, and what to do about it. For people; never parsed.
    std::string message = {};
    /// Of `unavailable`: why, in one word, such as "warming_up".
    std::string reason = {};
    /// The name of what is behind it, such as "cudaErrorLaunchFailure".
    std::string cause = {};
    /// After which time it is worth while to try again.
    std::optional<std::chrono::nanoseconds> retry_after = {};
};

template <class T>
using Outcome = std::expected<T, Error>;

/// `return fail(ErrorType::transient, "the scanner is warming up");`
inline std::unexpected<Error> fail(ErrorType type, std::string message) {
    return std::unexpected(Error{.type = type, .message = std::move(message)});
}

/// How far a load or run has come. What matters for `stall_timeout` is that it is reported at all.
struct Progress {
    std::optional<std::uint64_t> step = {};
    std::optional<std::uint64_t> total = {};
    std::string_view phase = {};  ///< such as "denoise"; up to 200 bytes are kept
};

/// What a model makes of a request.
struct Answer {
    std::string body;
    /// 1 to 256 printable ASCII characters.
    std::string content_type = "application/octet-stream";
};

/// One request to a model; lives until run() returns. The fields are the model's to change or move
/// from; the functions may be called from any thread. A test of a model makes its own.
class Request {
  public:
    explicit Request(std::string input = {}, std::string type_of_input = "application/octet-stream")
        : body(std::move(input)), content_type(std::move(type_of_input)) {}
    ~Request() = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    /// The input as it came, and what the client calls it.
    std::string body;
    std::string content_type;
    std::optional<std::string> variant;  ///< the named setting of the model that the client wants
    /// When the client stops waiting.
    std::optional<std::chrono::steady_clock::time_point> deadline;

    /// Nobody waits for the answer any more: end soon, with whatever answer or error.
    bool cancelled() const noexcept { return is_cancelled_.load(std::memory_order_relaxed); }

    /// Sets cancelled(). The worker calls it; so may the test of a model.
    void cancel() noexcept { is_cancelled_.store(true, std::memory_order_relaxed); }

    /// Cheap enough for every step of a loop: at most ten reports a second and each new phase are
    /// sent.
    void progress(const Progress& progress);

  private:
    friend struct sdk::Run;
    std::atomic<bool> is_cancelled_ = false;
    sdk::Reporter* reporter_ = nullptr;
};

/// A model: what to do at each point of a worker's life (more of it: windlass/offload.h). serve()
/// calls start, load, any number of run, unload, exit; all from the thread that called it, but run
/// from `concurrency` threads of their own where the configuration sets that above 1.
class Model {
  public:
    virtual ~Model() = default;

    /// Before any device is used. If it fails, exit() is next.
    virtual Outcome<void> start() { return {}; }
    /// Onto "cpu", or "cuda": the one GPU it sees, whose UUID stands in the environment variable
    /// CUDA_ or ROCR_VISIBLE_DEVICES, a variant's name in WINDLASS_VARIANT. If it fails, exit().
    virtual Outcome<void> load(const std::string& device) = 0;
    virtual Outcome<Answer> run(Request& request) = 0;
    /// Once, if load() succeeded and no run is stuck.
    virtual void unload() {}
    /// Once, whatever failed.
    virtual void exit() {}
};

/// Reports progress of the hook that goes on, from any thread; or of the run of the calling thread.
void progress(const Progress& progress);

/// Serves the model until the daemon ends it, and returns what main() should return. Call it once,
/// early, from the main thread. The daemon's SIGTERM sets cancelled() of what runs and ends the
/// worker after it; SIGINT is ignored. Standard output and error become the daemon's log. Without a
/// daemon it prints how to serve the model and try it, and returns 2.
int serve(Model& model);

}  // namespace windlass::worker
