// Calls of a model: from header fields to a CallRequest, from a CallAnswer to header fields.
#include "http/call_api.h"

#include <fmt/core.h>

#include "http/request_fields.h"

namespace windlass::http {
namespace {

constexpr std::size_t kFieldsSizeUsual = 256;

// "12.345". In whole numbers: this is done three times for each answer.
std::string milliseconds_text(base::Duration duration) {
    const auto us = std::chrono::round<std::chrono::microseconds>(duration).count();
    return fmt::format("{}.{:03}", us / 1'000, us % 1'000);
}

Reply answer_reply(std::string request_id, CallAnswer answer) {
    Reply reply{.content_type = std::move(answer.content_type), .body = std::move(answer.body)};
    std::string& fields = reply.fields;
    fields.reserve(kFieldsSizeUsual);
    append_field(fields, "X-Windlass-Request-Id", request_id);
    append_field(fields, "X-Windlass-Copy", fmt::format("{}", answer.copy));
    append_field(fields, "X-Windlass-Worker-Pid", fmt::format("{}", answer.worker_pid));
    append_field(fields, "X-Windlass-Device", answer.device);
    append_field(fields, "X-Windlass-Queue-Ms", milliseconds_text(answer.queue));
    append_field(fields, "X-Windlass-Load-Ms", milliseconds_text(answer.load));
    append_field(fields, "X-Windlass-Run-Ms", milliseconds_text(answer.run));
    reply.trace = {.request_id = std::move(request_id),
                   .has_run = true,
                   .queue = answer.queue,
                   .load = answer.load,
                   .run = answer.run};
    return reply;
}

}  // namespace

base::Result<CallRequest> read_call(std::string model, const Headers& headers) {
    CallRequest request;
    request.model = std::move(model);
    request.content_type = WL_TRY(read_content_type(headers));
    request.timeout = WL_TRY(read_duration(headers, "X-Windlass-Timeout", ZeroDuration::refused));
    request.wait = WL_TRY(read_duration(headers, "X-Windlass-Wait", ZeroDuration::allowed));
    request.priority = WL_TRY(read_priority(headers));
    request.variant = WL_TRY(read_variant(headers));
    return request;
}

std::uint64_t perform_call(CallRequest request, Backend& backend, Respond respond) {
    std::string model = request.model;
    return backend.call(
        std::move(request), [model = std::move(model), respond = std::move(respond)](
                                std::string request_id, base::Result<CallAnswer> result) mutable {
            respond(result ? answer_reply(std::move(request_id), std::move(*result))
                           : error_reply(result.error(), {.request_id = std::move(request_id),
                                                          .model = std::move(model)}));
        });
}

}  // namespace windlass::http
