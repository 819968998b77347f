// Which key of an error body means what.
#include "client/error_json.h"

#include "client/json_reader.h"

namespace windlass::client {
namespace {

std::string* find_text(Failure& failure, std::string_view key) {
    if (key == "type") return &failure.type;
    if (key == "message") return &failure.message;
    if (key == "reason") return &failure.reason;
    if (key == "request_id") return &failure.request_id;
    if (key == "cause") return &failure.cause;
    if (key == "traceback") return &failure.traceback;
    if (key == "model") return &failure.model;
    return nullptr;
}

bool read_error(JsonReader& json, Failure& failure) {
    return json.read_object([&](std::string_view key) {
        if (std::string* text = find_text(failure, key)) return json.read_string(*text);
        if (key == "retry_after_s") return json.read_number(failure.retry_after_s.emplace());
        return json.skip_value();
    });
}

}  // namespace

std::optional<Failure> parse_error_body(std::string_view body) {
    Failure failure;
    JsonReader json{body};
    const bool is_read = json.read_object([&](std::string_view key) {
        return key == "error" ? read_error(json, failure) : json.skip_value();
    });
    if (!is_read || !json.is_at_end() || failure.type.empty()) return std::nullopt;
    return failure;
}

}  // namespace windlass::client
