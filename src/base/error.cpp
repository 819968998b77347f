// The one table of error types.
#include "base/error.h"

#include <array>

#include "base/assert.h"

namespace windlass::base {
namespace {

using enum Errc;
using enum RetryClass;

// clang-format off
constexpr auto kTable = std::to_array<ErrorTraits>({
    {invalid_input,      "invalid_input",      400,  2, never,        "InvalidInput"},
    {permission_denied,  "permission_denied",  403,  3, never,        "PermissionDenied"},
    {not_found,          "not_found",          404,  4, never,        "NotFound"},
    {conflict,           "conflict",           409,  5, later,        "Conflict"},
    {queue_full,         "queue_full",         429,  6, later,        "QueueFull"},
    {unavailable,        "unavailable",        503,  6, later,        "Unavailable"},
    {out_of_memory,      "out_of_memory",      503,  6, make_room,    "OutOfMemory"},
    {host_out_of_memory, "host_out_of_memory", 503,  6, make_room,    "HostOutOfMemory"},
    {transient,          "transient",          503,  6, later,        "Transient"},
    {device_lost,        "device_lost",        503,  6, fresh_worker, "DeviceLost"},
    {driver_missing,     "driver_missing",     503,  6, never,        "DriverMissing"},
    {timeout,            "timeout",            504,  7, later,        "Timeout"},
    {stalled,            "stalled",            504,  7, fresh_worker, "Stalled"},
    {cancelled,          "cancelled",          499,  8, never,        "Cancelled"},
    {worker_lost,        "worker_lost",        502,  9, fresh_worker, "WorkerLost"},
    {context_lost,       "context_lost",       502,  9, fresh_worker, "ContextLost"},
    {unsupported,        "unsupported",        501, 10, never,        "Unsupported"},
    {data_corrupt,       "data_corrupt",       500, 70, never,        "DataCorrupt"},
    {internal,           "internal",           500, 70, never,        "Internal"},
});
// clang-format on

}  // namespace

std::span<const ErrorTraits> error_table() { return kTable; }

const ErrorTraits& traits(Errc code) {
    const auto index = static_cast<std::size_t>(code);
    WL_ASSERT(index < kTable.size() && kTable[index].code == code);
    return kTable[index];
}

std::optional<Errc> find_errc(std::string_view name) {
    for (const ErrorTraits& row : kTable) {
        if (row.name == name) return row.code;
    }
    return std::nullopt;
}

std::string to_text(const Error& error) {
    return std::string{traits(error.code).name} + ": " + error.message;
}

}  // namespace windlass::base
