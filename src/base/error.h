// Errors as values: one type for each thing that a caller does differently. The table in error.cpp
// is the only place that knows their HTTP status, exit code, retry class and Python name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace windlass::base {

enum class Errc : std::uint8_t {
    invalid_input,       // the caller's request can never succeed as it is
    permission_denied,   // this caller may not do that
    not_found,           // no such model, request or path
    conflict,            // true only in another state than the present one
    queue_full,          // `queue_limit` reached; come back later
    unavailable,         // cannot be served now; `reason` says why
    out_of_memory,       // the device has not enough memory
    host_out_of_memory,  // the machine has not enough memory
    transient,           // may well succeed when tried again
    device_lost,         // the device does not answer any more
    driver_missing,      // no driver or device of the asked kind
    timeout,             // a limit in time was reached
    stalled,             // no progress within `stall_timeout`
    cancelled,           // the caller withdrew it
    worker_lost,         // the process that did the work died
    context_lost,        // the device context is poisoned; only a new process helps
    unsupported,         // a well-formed wish that is not implemented
    data_corrupt,        // stored or received data does not hold together
    internal,            // anything else; `cause` names the class of the exception
};

// What may be done after an error of a type, without reading its text.
enum class RetryClass : std::uint8_t {
    never,         // the same request fails again
    later,         // the same request may succeed after a wait
    make_room,     // after memory was freed, or with smaller settings
    fresh_worker,  // on a newly started process
};

struct ErrorTraits {
    Errc code;
    std::string_view name;  // as in JSON bodies and worker frames
    int http_status;
    int exit_code;
    RetryClass retry;
    std::string_view python_class;
};

// One row for each Errc, in the order of the enumeration. Source: docs/errors.md.
std::span<const ErrorTraits> error_table();
const ErrorTraits& traits(Errc code);
std::optional<Errc> find_errc(std::string_view name);

struct MemoryHolder {
    std::string kind;              // "model", "returning", "fenced", "foreign"
    std::string model;             // empty: foreign
    std::uint64_t generation = 0;  // 0: foreign
    Bytes bytes;

    friend bool operator==(const MemoryHolder&, const MemoryHolder&) = default;
};

struct MemoryShortage {              // what a refusal for lack of memory is about
    std::string device;              // its UUID
    std::optional<Bytes> required;   // empty: not known, or all there is
    std::optional<Bytes> available;  // empty: not known
    std::vector<MemoryHolder> holders;

    friend bool operator==(const MemoryShortage&, const MemoryShortage&) = default;
};

struct Error {
    Errc code = Errc::internal;
    std::string message;         // what happened, to what, what to do; never parsed
    std::string reason = {};     // of `unavailable`: "backoff", "shutting_down", ...
    std::string cause = {};      // class of the exception that a model raised
    std::string traceback = {};  // of the worker, as text
    std::optional<Duration> retry_after = {};
    std::optional<MemoryShortage> memory = {};

    friend bool operator==(const Error&, const Error&) = default;
};

inline Error fail(Errc code, std::string message) {
    return Error{.code = code, .message = std::move(message)};
}

// "reading the configuration: " + message: says what was being done when it failed.
inline Error with_context(Error error, std::string_view doing) {
    error.message = std::string{doing} + ": " + error.message;
    return error;
}

// "timeout: the model did not answer ..."; for logs and the terminal.
std::string to_text(const Error& error);

}  // namespace windlass::base
