// Head, list and foot.
#include "cli/top_view.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "cli/body_text.h"
#include "cli/model_text.h"
#include "cli/top_table.h"

namespace windlass::cli {
namespace {

constexpr std::size_t kAround = 3;  // lines of head and foot

Line title_line(const TopState& state, std::size_t columns, const Glyphs& glyphs) {
    const auto& look = state.look();
    std::string left = "windlass top";
    if (look) {
        left = fmt::format("windlass {}  up {}", one_line(look->daemon.version),
                           short_time(look->daemon.uptime_s));
    }
    left += "  " + one_line(state.url());
    const std::string health = !state.trouble().empty() ? "away"
                               : !look                  ? "asking"
                                                        : one_line(look->daemon.status);
    const Style style = health == "ok" ? Style::good : Style::bad;
    const std::size_t right = std::min(cell_count(health) + 1, columns);
    Line line;
    return line.add(fit(left, columns - right, glyphs), Style::title)
        .add(fit(" " + health, right, glyphs), style);
}

// Who waits for longest, of all models.
std::string waits_text(const TopLook& look) {
    std::uint64_t running = 0;
    std::uint64_t waiting = 0;
    double oldest_ms = 0;
    for (const ModelState& model : look.models) {
        running += model.running;
        waiting += model.waiting;
        for (const WaitingState& wait : model.waiting_requests) {
            oldest_ms = std::max(oldest_ms, wait.waited_ms);
        }
    }
    std::string text = fmt::format("{} running, {} waiting", running, waiting);
    if (waiting > 0) text += fmt::format(" (longest {})", short_time(oldest_ms / 1000));
    return text;
}

Line summary_line(const TopState& state) {
    Line line;
    if (!state.trouble().empty()) {
        return line.add("no answer, trying again: " + one_line(state.trouble()), Style::bad);
    }
    if (const auto& look = state.look()) line.add(waits_text(*look));
    line.add(fmt::format("  every {}  sorted by {}", base::to_text(state.interval()),
                         to_text(state.sort())),
             Style::faint);
    if (!state.filter().empty()) {
        line.add("  only: ", Style::faint).add(one_line(state.filter()), Style::busy);
    }
    if (state.is_paused()) line.add("  paused", Style::bad);
    return line;
}

Line foot_line(const TopState& state) {
    Line line;
    switch (state.mode()) {
        case TopMode::filter:
            return line.add("filter: " + one_line(state.filter()) + "_  (Enter keeps, Esc clears)",
                            Style::title);
        case TopMode::kill:
            if (const auto& target = state.target()) {
                line.add(fmt::format("kill worker {} of {}, pid {}, {} running? y/n",
                                     target->worker, target->model, target->pid, target->running),
                         Style::bad);
            }
            return line;
        case TopMode::help: return line.add("any key: back", Style::faint);
        case TopMode::list: break;
    }
    if (!state.said().empty()) return line.add(one_line(state.said()), Style::title);
    return line.add("? help  q quit  s sort  / filter  k kill  p pause  +/- interval",
                    Style::faint);
}

struct HelpLine {
    const char* key;
    const char* meaning;
};
constexpr auto kHelp = std::to_array<HelpLine>({
    {"Up Down PgUp PgDn Home End", "choose a row"},
    {"Right Left Enter Space", "show or hide what is below it"},
    {"s", "sort by memory, model, device or age"},
    {"/", "show only a model, device, state, pid or request"},
    {"Esc", "show everything again"},
    {"k", "kill the chosen worker; asks before"},
    {"p", "stop the picture, or let it go on"},
    {"+ -", "look half or twice as often"},
    {"q", "quit"},
});

std::vector<Line> help_lines(const Glyphs& glyphs) {
    std::vector<Line> lines;
    for (const HelpLine& help : kHelp) {
        Line& line = lines.emplace_back();
        line.add("  " + fit(help.key, 28, glyphs), Style::title).add(help.meaning);
    }
    lines.emplace_back();
    Line& legend = lines.emplace_back();
    legend.add("  Bars: ").add(std::string{glyphs.own}, Style::own).add(" used by workers  ");
    legend.add(std::string{glyphs.claimed}, Style::claimed).add(" claimed beyond that  ");
    legend.add(std::string{glyphs.foreign}, Style::foreign).add(" strangers  ");
    legend.add(std::string{glyphs.fenced}, Style::fenced).add(" fenced");
    lines.emplace_back().add("  USED: as the driver says. ALLOC: as the worker's allocator says.");
    lines.emplace_back().add("  CLAIM: given to it. PEAK: the most. All in MiB; -: not known.");
    lines.emplace_back().add("  NEXT: what comes if nobody uses it, and when; limit: it is ended.");
    return lines;
}

std::vector<Line> list_lines(const TopState& state, TopSize size, const Glyphs& glyphs) {
    std::vector<Line> lines;
    if (!state.look()) {
        lines.emplace_back().add("The daemon has not answered yet; `windlass serve` starts one.");
        return lines;
    }
    const std::vector<TopRow> rows = state.rows();
    for (std::size_t i = state.scroll(); i < rows.size() && lines.size() < page_of(size); ++i) {
        lines.push_back(table_line(rows[i], state, size.columns, glyphs));
        lines.back().is_chosen = !rows[i].id.empty() && rows[i].id == state.chosen();
    }
    return lines;
}

}  // namespace

std::size_t page_of(TopSize size) { return size.lines > kAround ? size.lines - kAround : 0; }

std::vector<Line> draw(const TopState& state, TopSize size, const Glyphs& glyphs) {
    std::vector<Line> lines;
    lines.push_back(title_line(state, size.columns, glyphs));
    lines.push_back(summary_line(state));
    const bool is_help = state.mode() == TopMode::help;
    std::vector<Line> body = is_help ? help_lines(glyphs) : list_lines(state, size, glyphs);
    body.resize(page_of(size));
    lines.insert(lines.end(), std::make_move_iterator(body.begin()),
                 std::make_move_iterator(body.end()));
    lines.push_back(foot_line(state));
    if (lines.size() > size.lines)
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(size.lines));
    for (Line& line : lines) fit(line, size.columns, glyphs);
    return lines;
}

}  // namespace windlass::cli
