// Calls of a model: from header fields to a CallRequest, from a CallAnswer to header fields.
#include "http/call_api.h"

#include "base/digits.h"
#include "http/request_fields.h"

namespace windlass::http {
namespace {

constexpr std::size_t kFieldsSizeUsual = 512;

void append_number_field(std::string& fields, std::string_view name, std::uint64_t number) {
    fields.append(name).append(": ");
    base::append_digits(fields, number);
    fields.append("\r\n");
}

// "12.345": three digits after the point.
void append_milliseconds_field(std::string& fields, std::string_view name,
                               base::Duration duration) {
    fields.append(name).append(": ");
    base::append_milliseconds(fields, duration);
    fields.append("\r\n");
}

void append_bytes_field(std::string& fields, std::string_view name,
                        const std::optional<base::Bytes>& bytes) {
    if (bytes) append_number_field(fields, name, bytes->count());
}

void append_memory_fields(std::string& fields, const RunMemory& memory) {
    append_bytes_field(fields, "X-Windlass-Total-Bytes", memory.total);
    append_bytes_field(fields, "X-Windlass-Free-Before-Bytes", memory.free_before);
    append_bytes_field(fields, "X-Windlass-Peak-Bytes", memory.peak);
    append_bytes_field(fields, "X-Windlass-Context-Bytes", memory.context);
    append_field(fields, "X-Windlass-Shared", memory.is_shared ? "true" : "false");
}

Reply answer_reply(std::string request_id, CallAnswer answer) {
    Reply reply{.content_type = std::move(answer.content_type), .body = std::move(answer.body)};
    std::string& fields = reply.fields;
    fields.reserve(kFieldsSizeUsual);
    append_field(fields, "X-Windlass-Request-Id", request_id);
    append_number_field(fields, "X-Windlass-Copy", answer.copy);
    append_number_field(fields, "X-Windlass-Worker-Pid",
                        static_cast<std::uint64_t>(answer.worker_pid));
    append_field(fields, "X-Windlass-Device", answer.device);
    append_milliseconds_field(fields, "X-Windlass-Queue-Ms", answer.queue);
    append_milliseconds_field(fields, "X-Windlass-Load-Ms", answer.load);
    append_milliseconds_field(fields, "X-Windlass-Run-Ms", answer.run);
    append_memory_fields(fields, answer.memory);
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
