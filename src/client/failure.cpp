// What went wrong, in the words of include/windlass/client.h.
#include "client/failure.h"

#include <fmt/core.h>

#include "client/error_json.h"

namespace windlass::client {

Failure to_failure(const base::Error& error) {
    const base::ErrorTraits& traits = base::traits(error.code);
    return Failure{.type = std::string{traits.name},
                   .message = error.message,
                   .reason = error.reason,
                   .exit_code = traits.exit_code};
}

Failure to_failure(const ErrorReply& reply) {
    std::optional<Failure> failure = parse_error_body(reply.body);
    if (!failure) {
        failure = to_failure(base::fail(
            base::Errc::internal,
            fmt::format("{} answered with the status {} and without an error that Windlass would "
                        "send; check that this is the URL of a windlass daemon",
                        reply.where, reply.status)));
    }
    failure->http_status = reply.status;
    // A daemon that is newer than this client may have more types.
    const auto code = base::find_errc(failure->type);
    if (code) failure->exit_code = base::traits(*code).exit_code;
    return std::move(*failure);
}

}  // namespace windlass::client
