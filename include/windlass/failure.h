/// What the functions of a Windlass client return where they do not succeed.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace windlass {

/// Who holds memory of a device.
struct MemoryHolder {
    /// "model": a copy of `model`. "returning": its process is gone, and the driver still shows the
    /// bytes. "fenced": the same for longer than it should take. "foreign": all programs that are
    /// not Windlass's together.
    std::string kind = {};
    /// Whose copy it is or was; empty for strangers.
    std::string model = {};
    /// The number of its process, as workers() shows it; 0 for strangers.
    std::uint64_t generation = 0;
    std::uint64_t bytes = 0;
};

/// What a failure for lack of a device's memory is about.
struct MemoryShortage {
    /// The device's UUID, or "cpu".
    std::string device = {};
    /// Bytes that the model needs there; none: not known, or all there is.
    std::optional<std::uint64_t> required = {};
    /// Bytes that nobody holds; none: the device does not say.
    std::optional<std::uint64_t> available = {};
    std::vector<MemoryHolder> holders = {};
};

/// Why something did not succeed. Decide by `type`; `message` is for people and never needs to be
/// parsed. Failures of the connection have the same types as those of the daemon.
struct Failure {
    /// One of the types of docs/errors.md, such as "timeout", "unavailable" or "worker_lost".
    std::string type;
    /// What happened, to what, and what to do about it.
    std::string message;
    /// Of `unavailable`: why, in one word. "connection_refused": no daemon listens at the URL.
    /// "connection_lost": it is not known whether the call was carried out.
    std::string reason = {};
    /// After how many seconds it is worth while to try again, where the daemon knows.
    std::optional<double> retry_after_s = {};
    /// Under which number the daemon knew the request, such as "r17"; empty when it got none.
    std::string request_id = {};
    /// The class of the exception that the model raised.
    std::string cause = {};
    /// Where in the model's code it was raised.
    std::string traceback = {};
    std::string model = {};
    /// Where memory of a device is what was missing: of `unavailable` with the reason "memory" or
    /// "memory_unknown", and of `timeout`.
    std::optional<MemoryShortage> memory = {};
    /// The status of the reply; 0 when there was none.
    int http_status = 0;
    /// With which code a command-line program should exit: 2 to 10, or 70.
    int exit_code = 70;
};

/// A value or a Failure.
template <class T>
using Outcome = std::expected<T, Failure>;

}  // namespace windlass
