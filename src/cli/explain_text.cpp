// Explanations as paragraphs and tables.
#include "cli/explain_text.h"

#include <fmt/core.h>

#include "base/bytes.h"
#include "cli/body_text.h"
#include "cli/columns.h"
#include "cli/model_text.h"

namespace windlass::cli {
namespace {

std::string count_or_dash(const std::optional<std::uint64_t>& number) {
    return number ? std::to_string(*number) : "-";
}

std::string time_or_dash(const std::optional<double>& seconds) {
    return seconds ? rough_time(*seconds) : "-";
}

std::string holder_until_text(const MemoryHolderState& holder) {
    if (!holder.until_s) return "-";
    return fmt::format("{} ({})", rough_time(*holder.until_s), one_line(holder.until_step));
}

std::string explained_holders_table(const ExplanationState& state) {
    if (state.holders.empty()) return {};
    std::vector<std::vector<std::string>> rows = {
        {"HOLDER", "WORKER", "PID", "BYTES", "DOES", "SINCE", "UNTIL", "MAKES ROOM IN"}};
    for (const MemoryHolderState& holder : state.holders) {
        const std::string name = holder.model.empty() ? holder.kind : holder.model;
        rows.push_back({one_line(name), count_or_dash(holder.worker), count_or_dash(holder.pid),
                        holder.bytes ? base::to_text(base::Bytes{*holder.bytes}) : "-",
                        one_line(holder.doing), time_or_dash(holder.since_s),
                        holder_until_text(holder), time_or_dash(holder.makes_room_in_s)});
    }
    const std::string title =
        state.device.empty() ? "" : fmt::format("on {}\n", one_line(state.device));
    return "\n" + title + align(rows);
}

std::string advice_text(const ExplanationState& state) {
    std::vector<std::vector<std::string>> rows;
    for (const AdviceState& advice : state.advice) {
        if (!advice.command.empty())
            rows.push_back({"  " + one_line(advice.command), one_line(advice.what)});
    }
    const std::string head = state.is_over ? "\nWhat can be done:\n" : "\nTo end it:\n";
    std::string text = rows.empty() ? "" : head + align(rows);
    for (const AdviceState& advice : state.advice) {
        if (advice.command.empty()) text += "\nOr " + one_line(advice.what) + ".\n";
    }
    return text;
}

}  // namespace

std::string explanation_text(const ExplanationState& state) {
    return one_line(state.sentence) + "\n" + advice_text(state) + explained_holders_table(state);
}

std::string explanations_text(const std::vector<ExplanationState>& states) {
    if (states.empty()) return "nothing waits, and all models are well\n";
    std::string text;
    for (const ExplanationState& state : states)
        text += (text.empty() ? "" : "\n") + explanation_text(state);
    return text;
}

}  // namespace windlass::cli
