// Which key of an error body means what.
#include "client/error_json.h"

#include <utility>

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

// Null means that it is not known.
bool read_bytes(JsonReader& json, std::optional<std::uint64_t>& bytes) {
    return json.take_null() || json.read_count(bytes.emplace());
}

bool read_holder(JsonReader& json, MemoryHolder& holder) {
    return json.read_object([&](std::string_view key) {
        if (key == "kind") return json.read_string(holder.kind);
        if (key == "model") return json.read_string(holder.model);
        if (key == "generation") return json.read_count(holder.generation);
        if (key == "bytes") return json.read_count(holder.bytes);
        return json.skip_value();
    });
}

bool read_memory(JsonReader& json, std::string_view key, MemoryShortage& memory) {
    if (key == "device") return json.take_null() || json.read_string(memory.device);
    if (key == "required") return read_bytes(json, memory.required);
    if (key == "available") return read_bytes(json, memory.available);
    return json.read_array([&] { return read_holder(json, memory.holders.emplace_back()); });
}

bool is_of_memory(std::string_view key) {
    return key == "device" || key == "required" || key == "available" || key == "holders";
}

bool read_error(JsonReader& json, Failure& failure) {
    MemoryShortage memory;
    bool has_memory = false;
    const bool is_read = json.read_object([&](std::string_view key) {
        if (std::string* text = find_text(failure, key)) return json.read_string(*text);
        if (key == "retry_after_s") return json.read_number(failure.retry_after_s.emplace());
        if (!is_of_memory(key)) return json.skip_value();
        has_memory = has_memory || key == "holders";
        return read_memory(json, key, memory);
    });
    if (has_memory) failure.memory = std::move(memory);
    return is_read;
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
