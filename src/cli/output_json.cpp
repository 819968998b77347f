// JSON of the commands, but for `config`.
#include "cli/output_json.h"

#include <fmt/core.h>

#include <boost/json.hpp>

#include "base/error.h"
#include "base/version.h"
#include "cli/body_text.h"
#include "cli/errors.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

std::string line_of(const json::object& object) { return json::serialize(object) + "\n"; }

std::string json_text(std::string_view text) { return json::serialize(json::string{text}); }

#if defined(__clang__)
constexpr std::string_view kCompiler = "Clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "GCC " __VERSION__;
#endif

// Into the fields of an error, as the HTTP API has them.
void add_memory(const MemoryShortage& memory, json::object& fields) {
    const auto bytes = [](const std::optional<std::uint64_t>& count) {
        return count ? json::value(*count) : json::value();
    };
    json::array holders;
    for (const MemoryHolder& holder : memory.holders) {
        json::object entry{{"kind", holder.kind}};
        if (!holder.model.empty()) entry["model"] = holder.model;
        if (holder.generation != 0) entry["generation"] = holder.generation;
        entry["bytes"] = holder.bytes;
        holders.push_back(std::move(entry));
    }
    fields["device"] = memory.device;
    fields["required"] = bytes(memory.required);
    fields["available"] = bytes(memory.available);
    fields["holders"] = std::move(holders);
}

std::string bytes_json(const std::optional<std::uint64_t>& count) {
    return count ? fmt::format("{}", *count) : "null";
}

std::string bool_json(const std::optional<bool>& value) {
    return value ? (*value ? "true" : "false") : "null";
}

// Of an answer.
std::string memory_fields(const Answer& answer) {
    return fmt::format(
        R"("total_bytes":{},"free_before_bytes":{},"peak_bytes":{},"context_bytes":{},)"
        R"("shared":{})",
        bytes_json(answer.total_bytes), bytes_json(answer.free_before_bytes),
        bytes_json(answer.peak_bytes), bytes_json(answer.context_bytes), bool_json(answer.shared));
}

}  // namespace

std::string error_table_json() {
    json::array rows;
    for (const base::ErrorTraits& row : base::error_table()) {
        rows.push_back(json::object{
            {"type", row.name},
            {"http_status", row.http_status},
            {"exit_code", row.exit_code},
            {"retry", retry_name(row.retry)},
            {"python_class", row.python_class},
        });
    }
    return line_of({{"errors", std::move(rows)}});
}

std::string version_json() {
    return line_of({
        {"version", base::version()},
        {"commit", base::commit()},
        {"compiler", kCompiler},
        {"build_type", WINDLASS_BUILD_TYPE},
    });
}

std::string error_json(const Failure& failure) {
    json::object fields{{"type", failure.type}, {"message", failure.message}};
    const auto add = [&](std::string_view name, const std::string& text) {
        if (!text.empty()) fields[name] = text;
    };
    add("reason", failure.reason);
    if (failure.retry_after_s) fields["retry_after_s"] = *failure.retry_after_s;
    if (failure.memory) add_memory(*failure.memory, fields);
    add("request_id", failure.request_id);
    add("cause", failure.cause);
    add("traceback", failure.traceback);
    add("model", failure.model);
    return line_of({{"error", std::move(fields)}});
}

std::string answer_json(std::string_view model, const Answer& answer) {
    // Boost.JSON writes 12.5 as 1.25E1, which is right and hard to read; hence by hand.
    const bool text = is_utf8(answer.body);
    return fmt::format(
        R"({{"model":{},"request_id":{},"copy":{},"worker_pid":{},"device":{},"queue_ms":{},)"
        R"("load_ms":{},"run_ms":{},{},"content_type":{},"{}":{}}})"
        "\n",
        json_text(model), json_text(answer.request_id), answer.copy, answer.worker_pid,
        json_text(answer.device), base::to_milliseconds(answer.queue_time),
        base::to_milliseconds(answer.load_time), base::to_milliseconds(answer.run_time),
        memory_fields(answer), json_text(answer.content_type), text ? "body" : "body_base64",
        json_text(text ? answer.body : to_base64(answer.body)));
}

std::string result_json(std::string_view job, const JobResult& result) {
    const bool text = is_utf8(result.body);
    return fmt::format(R"({{"id":{},"content_type":{},"{}":{}}})"
                       "\n",
                       json_text(job), json_text(result.content_type),
                       text ? "body" : "body_base64",
                       json_text(text ? result.body : to_base64(result.body)));
}

std::string quoted_json(std::string_view text) { return json::serialize(json::string{text}); }

bool reads_as_json(std::string_view text) {
    // The limit on depth is Boost.JSON's own: 32.
    json::stream_parser parser;
    boost::system::error_code error;
    parser.write(text.data(), text.size(), error);
    if (!error) parser.finish(error);
    return !error && parser.done();
}

}  // namespace windlass::cli
