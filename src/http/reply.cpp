// Replies are formatted here, once, into the bytes that are sent.
#include "http/reply.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "base/digits.h"
#include "http/models_json.h"

namespace windlass::http {
namespace {

struct StatusName {
    int status;
    std::string_view name;
};

// RFC 9110 section 15 and RFC 6585; 499 is the customary number for a client that went away.
constexpr StatusName kStatusNames[] = {
    {200, "OK"},
    {202, "Accepted"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

constexpr std::size_t kHeadSizeUsual = 256;

std::string_view status_name(int status) {
    const auto* row = std::ranges::find(kStatusNames, status, &StatusName::status);
    return row == std::end(kStatusNames) ? "Unknown" : row->name;
}

bool is_field_byte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);  // RFC 9110 section 5.5
}

}  // namespace

void append_field(std::string& fields, std::string_view name, std::string_view value) {
    fields.append(name).append(": ");
    const std::size_t begin = fields.size();
    fields.append(value);
    if (!std::ranges::all_of(value, is_field_byte)) {
        std::replace_if(
            fields.begin() + static_cast<std::ptrdiff_t>(begin), fields.end(),
            [](char c) { return !is_field_byte(c); }, ' ');
    }
    fields.append("\r\n");
}

Reply error_reply(const base::Error& error, const ErrorContext& context) {
    const base::ErrorTraits& traits = base::traits(error.code);
    Reply reply{.status = traits.http_status,
                .body = to_json(error, context),
                .trace = {.request_id = context.request_id, .error_type = traits.name}};
    if (!context.request_id.empty()) {
        append_field(reply.fields, "X-Windlass-Request-Id", context.request_id);
    }
    if (error.retry_after) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(*error.retry_after);
        append_field(reply.fields, "Retry-After", fmt::format("{}", seconds.count()));
    }
    return reply;
}

Reply refusal_reply(const Refusal& refusal) {
    Reply reply = error_reply(refusal.error);
    reply.status = refusal.status;
    if (!refusal.allow.empty()) append_field(reply.fields, "Allow", refusal.allow);
    return reply;
}

Framing framing_of(const Reply& reply, bool is_http11) {
    if (!reply.stream) return Framing::length;
    // RFC 9110 sections 6.4.1 and 15: no body, hence no framing of one.
    if (reply.status < 200 || reply.status == 204 || reply.status == 304) return Framing::no_body;
    if (reply.stream->length) return Framing::length;
    return is_http11 ? Framing::chunked : Framing::until_close;
}

std::string format_head(const Reply& reply, const HeadOptions& options) {
    std::string head;
    head.reserve(kHeadSizeUsual + reply.fields.size());
    head.append("HTTP/1.1 ");
    base::append_digits(head, static_cast<unsigned>(reply.status));
    head.append(" ").append(status_name(reply.status));
    head.append("\r\nDate: ").append(options.date);
    head.append("\r\n");
    if (options.framing == Framing::length) {
        head.append("Content-Length: ");
        base::append_digits(head,
                            reply.stream ? reply.stream->length.value_or(0) : reply.body.size());
        head.append("\r\n");
    } else if (options.framing == Framing::chunked) {
        head.append("Transfer-Encoding: chunked\r\n");
    }
    if (!reply.content_type.empty()) append_field(head, "Content-Type", reply.content_type);
    head += reply.fields;
    if (options.close) {
        head += "Connection: close\r\n";
    } else if (options.name_keep_alive) {
        head += "Connection: keep-alive\r\n";
    }
    head += "\r\n";
    return head;
}

}  // namespace windlass::http
