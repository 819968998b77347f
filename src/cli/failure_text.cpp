// Errors of a daemon, or of talking to it, to words and exit codes.
#include "cli/failure_text.h"

#include <fmt/core.h>

#include "base/bytes.h"
#include "cli/body_text.h"
#include "cli/model_text.h"
#include "cli/output_json.h"

namespace windlass::cli {
namespace {

std::string size_text(std::uint64_t bytes) { return base::to_text(base::Bytes{bytes}); }

std::string holder_text(const MemoryHolder& holder) {
    const std::string size = size_text(holder.bytes);
    const std::string model = one_line(holder.model);
    if (holder.kind == "foreign") return fmt::format("other programs ({})", size);
    if (holder.kind == "model") return fmt::format("the model {} ({})", model, size);
    if (holder.kind == "returning")
        return fmt::format("{}, whose process is gone ({}, being given back)", model, size);
    if (holder.kind == "fenced")
        return fmt::format("what a process of {} left behind ({})", model, size);
    return fmt::format("{} {} ({})", one_line(holder.kind), model, size);
}

// "memory of GPU-...: 6 GiB needed, 4.5 GiB available; held by the model x (3 GiB), ..."
std::string memory_text(const MemoryShortage& memory) {
    std::string text =
        fmt::format("memory of {}: {} needed, {} available", one_line(memory.device),
                    memory.required ? size_text(*memory.required) : "an unknown amount",
                    memory.available ? size_text(*memory.available) : "an unknown amount");
    const char* before = "; held by ";
    for (const MemoryHolder& holder : memory.holders) {
        text += before + holder_text(holder);
        before = ", ";
    }
    return text + "\n";
}

}  // namespace

CommandOutcome failed(const Failure& failure, bool json) {
    if (json) return {.exit_code = failure.exit_code, .out = error_json(failure)};
    std::string text =
        fmt::format("windlass: {}: {}", failure.type, several_lines(failure.message));
    if (failure.retry_after_s)
        text += fmt::format(" (try again in {})", rough_time(*failure.retry_after_s));
    if (!failure.request_id.empty())
        text += fmt::format(" [request {}]", one_line(failure.request_id));
    text += '\n';
    if (failure.memory) text += memory_text(*failure.memory);
    if (!failure.traceback.empty()) {
        text += several_lines(failure.traceback);
        if (!text.ends_with('\n')) text += '\n';
    }
    return {.exit_code = failure.exit_code, .err = text};
}

CommandOutcome failed(const base::Error& error, bool json) {
    const base::ErrorTraits& traits = base::traits(error.code);
    return failed(Failure{.type = std::string{traits.name},
                          .message = error.message,
                          .reason = error.reason,
                          .exit_code = traits.exit_code},
                  json);
}

}  // namespace windlass::cli
