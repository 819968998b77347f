// Columns, and what stands in them.
#include "cli/top_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/body_text.h"

namespace windlass::cli {
namespace {

enum class Cell : std::uint8_t {
    pid,
    device,
    state,
    next,
    used,
    used_peak,
    allocator,
    claimed,
    time,
    running,
    waiting,
    allocator_peak,
    claimed_peak,
};
struct Column {
    Cell cell;
    const char* title;
    std::size_t width;
    Align align = Align::right;
};

constexpr std::size_t kWideColumns = 120;  // from here on amounts have more room
// Names keep so much room before a column takes its place: one of the first eight, or another.
constexpr std::size_t kNameMin = 12;
constexpr std::size_t kNameRoomy = 24;
constexpr std::size_t kHistoryMin = 8;

// From left to right, as many as there is room for; all of the first eight at 80 columns.
std::vector<Column> columns_for(std::size_t columns) {
    const std::size_t amount = columns >= kWideColumns ? 9 : 6;
    const auto all = std::to_array<Column>({{Cell::pid, "PID", 7},
                                            {Cell::device, "DEV", 4, Align::left},
                                            {Cell::state, "STATE", 10, Align::left},
                                            {Cell::next, "NEXT", 11, Align::left},
                                            {Cell::used, "USED", amount},
                                            {Cell::used_peak, "PEAK", amount},
                                            {Cell::allocator, "ALLOC", amount},
                                            {Cell::claimed, "CLAIM", amount},
                                            {Cell::time, "TIME", 4},
                                            {Cell::running, "RUN", 4},
                                            {Cell::waiting, "WAIT", 4},
                                            {Cell::allocator_peak, "A-PEAK", amount},
                                            {Cell::claimed_peak, "C-PEAK", amount}});
    std::vector<Column> chosen;
    std::size_t taken = 0;
    for (const Column& column : all) {
        const std::size_t name = column.cell < Cell::time ? kNameMin : kNameRoomy;
        if (taken + column.width + 1 + name > columns) break;
        chosen.push_back(column);
        taken += column.width + 1;
    }
    return chosen;
}

std::size_t name_width(const std::vector<Column>& chosen, std::size_t columns) {
    std::size_t taken = 0;
    for (const Column& column : chosen) taken += column.width + 1;
    return columns > taken ? columns - taken : 1;
}

Style style_of(std::string_view state) {
    if (state == "ready") return Style::good;
    if (state == "backoff" || state == "unkillable" || state == "paused") return Style::bad;
    if (state == "cold" || state == "standby" || state == "offloaded") return Style::faint;
    return Style::busy;
}

std::string progress_text(const std::optional<ProgressState>& progress) {
    if (!progress) return "";
    std::string text;
    if (progress->step) text = fmt::format(" {}", *progress->step);
    if (progress->step && progress->total) text += fmt::format("/{}", *progress->total);
    if (!progress->phase.empty()) text += " " + one_line(progress->phase);
    return text;
}

std::string in_text(std::string_view what, const std::optional<double>& seconds) {
    return seconds ? fmt::format("{} {}", what, short_time(*seconds)) : "-";
}

// One line of the table; what is not set is a blank.
struct Fields {
    std::string name = {};
    std::string pid = {}, device = {}, state = {}, next = {}, time = {}, running = {}, waiting = {};
    const MemoryState* memory = nullptr;
    std::optional<std::uint64_t> used = {};       // where there is no `memory`
    std::optional<std::uint64_t> used_peak = {};  // likewise
    bool has_used = false;
};

std::string amount_text(const Fields& fields, const Column& column) {
    const auto shown = [&](const std::optional<std::uint64_t>& bytes) {
        return mebibytes(bytes, column.width);
    };
    if (fields.memory == nullptr) {
        if (column.cell == Cell::used && fields.has_used) return shown(fields.used);
        return column.cell == Cell::used_peak ? shown(fields.used_peak) : "";
    }
    const MemoryState& memory = *fields.memory;
    if (column.cell == Cell::used) return shown(memory.used.now);
    if (column.cell == Cell::used_peak) return shown(memory.used.peak);
    if (column.cell == Cell::allocator) return shown(memory.allocator.now);
    if (column.cell == Cell::allocator_peak) return shown(memory.allocator.peak);
    if (column.cell == Cell::claimed) return shown(memory.claimed.now);
    return shown(memory.claimed.peak);
}

std::string cell_text(const Fields& fields, const Column& column) {
    switch (column.cell) {
        case Cell::pid: return fields.pid;
        case Cell::device: return fields.device;
        case Cell::state: return fields.state;
        case Cell::next: return fields.next;
        case Cell::time: return fields.time;
        case Cell::running: return fields.running;
        case Cell::waiting: return fields.waiting;
        case Cell::used:
        case Cell::used_peak:
        case Cell::allocator:
        case Cell::claimed:
        case Cell::allocator_peak:
        case Cell::claimed_peak: return amount_text(fields, column);
    }
    return "";
}

Fields fields_of(const ModelState& model) {
    const std::optional<double> age =
        model.loading_for_s ? model.loading_for_s : model.ready_since_s;
    return {.name = one_line(model.name),
            .state = model.paused ? "paused" : one_line(model.residency),
            .next = model.retry_after_s ? in_text("retry", model.retry_after_s) : "",
            .time = age ? short_time(*age) : "",
            .running = std::to_string(model.running),
            .waiting = std::to_string(model.waiting),
            .memory = &model.memory};
}

Fields fields_of(const WorkerState& worker, std::string device) {
    return {.name = fmt::format("#{}{}", worker.id, progress_text(worker.load)),
            .pid = std::to_string(worker.pid),
            .device = std::move(device),
            .state = one_line(worker.state),
            .next = in_text(one_line(worker.next_step), worker.next_in_s),
            .time = short_time(worker.since_s),
            .running = std::to_string(worker.runs.size()),
            .memory = &worker.memory};
}

Fields fields_of(const RunState& run) {
    return {.name = one_line(run.request) + progress_text(run.progress),
            .state = "run " + short_time(run.since_s),
            .next = in_text("limit", run.limit_in_s),
            .time = short_time(run.since_s),
            .used_peak = run.peak_bytes};
}

Fields fields_of(const HolderState& holder, std::string device) {
    return {.name = holder.name.empty() ? "?" : one_line(holder.name),
            .pid = std::to_string(holder.pid),
            .device = std::move(device),
            .used = holder.used_bytes,
            .used_peak = holder.used_peak_bytes,
            .has_used = true};
}

std::string lead_of(const TopRow& row, const Glyphs& glyphs) {
    const bool is_below = row.kind == RowKind::run || row.kind == RowKind::process;
    const std::string indent(row.kind == RowKind::worker ? 2 : is_below ? 4 : 0, ' ');
    const std::string_view fold = row.is_folded ? glyphs.folded : glyphs.open;
    return indent + std::string{is_below ? glyphs.leaf : row.can_fold ? fold : " "} + " ";
}

Line fields_line(const TopRow& row, const Fields& fields, std::size_t columns,
                 const Glyphs& glyphs) {
    const std::vector<Column> chosen = columns_for(columns);
    const Style whole = row.kind == RowKind::model ? Style::title : Style::plain;
    Line line;
    line.add(fit(lead_of(row, glyphs) + fields.name, name_width(chosen, columns), glyphs), whole);
    for (const Column& column : chosen) {
        const std::string text = cell_text(fields, column);
        const Style style = column.cell == Cell::state ? style_of(fields.state) : Style::plain;
        line.add(" ").add(fit(text, column.width, glyphs, column.align), style);
    }
    return line;
}

Line heading_line(const TopRow& row, std::size_t columns, const Glyphs& glyphs) {
    Line line;
    if (row.text == "WAITS") {
        return line.add("WAITS    AGE PRIO REQUEST    REASON     MODEL", Style::faint);
    }
    if (row.text == "DEVICES") {
        return line.add("DEVICES: MiB used of all, history of use; now/peak below", Style::faint);
    }
    const std::vector<Column> chosen = columns_for(columns);
    const std::string title = row.text == "MODELS" ? "MODELS (MiB)" : row.text;
    line.add(fit(title, name_width(chosen, columns), glyphs), Style::faint);
    for (const Column& column : chosen) {
        line.add(" ").add(fit(column.title, column.width, glyphs, column.align), Style::faint);
    }
    return line;
}

Line wait_line(const TopRow& row, const Glyphs& glyphs) {
    const WaitingState& wait = *row.wait;
    Line line;
    line.add(fit(short_time(wait.waited_ms / 1000), 12, glyphs, Align::right));
    line.add(fit(std::to_string(wait.priority), 5, glyphs, Align::right)).add(" ");
    line.add(fit(one_line(wait.request_id), 10, glyphs)).add(" ");
    line.add(fit(one_line(wait.reason), 10, glyphs), Style::busy).add(" ");
    return line.add(one_line(row.model->name));
}

// --- devices

Shares shares_of(const DeviceState& device) {
    const std::uint64_t used = device.used_bytes.value_or(0);
    Shares shares{.capacity = device.capacity_bytes.value_or(0),
                  .foreign = std::min(used, device.foreign_bytes.value_or(0))};
    shares.fenced = std::min(used - shares.foreign, device.fenced_bytes.value_or(0));
    shares.own = used - shares.foreign - shares.fenced;
    const std::uint64_t claimed = device.claimed_bytes.value_or(0);
    shares.claimed = claimed - std::min(claimed, shares.own);
    return shares;
}

void add_histories(Line& line, const DeviceState& device, const TopState& state, std::size_t width,
                   const Glyphs& glyphs) {
    const TopHistory* const known = state.find_history(device.uuid);
    if (known == nullptr || width < 2 * kHistoryMin + 1) return;
    const std::size_t each = (width - 1) / 2;
    const auto shown = [&](const std::deque<std::optional<double>>& values) {
        return history({values.begin(), values.end()}, each, glyphs);
    };
    line.add(shown(known->used), Style::own).add(" ").add(shown(known->busy), Style::busy);
}

Line device_line(const TopRow& row, const TopState& state, std::size_t columns,
                 const Glyphs& glyphs) {
    const DeviceState& device = *row.device;
    const bool is_wide = columns >= kWideColumns;
    const std::size_t bar_width = is_wide ? columns / 3 : 22;
    const std::size_t amount = is_wide ? 9 : 6;
    Line line;
    line.add(lead_of(row, glyphs));
    line.add(fit(state.label_of(device.uuid), 5, glyphs), Style::title).add(" [");
    for (const Span& span : bar(shares_of(device), bar_width, glyphs)) line.spans.push_back(span);
    const std::string numbers = fmt::format("{}/{}", mebibytes(device.used_bytes, amount),
                                            mebibytes(device.capacity_bytes, amount));
    line.add("] ").add(fit(numbers, 2 * amount + 1, glyphs, Align::right));
    const std::string busy =
        device.busy_percent ? fmt::format(" busy {}%", *device.busy_percent) : " busy -";
    line.add(fit(busy, 11, glyphs));
    if (device.state != "ok") return line.add(one_line(device.state), Style::bad);
    std::size_t taken = 0;
    for (const Span& span : line.spans) taken += cell_count(span.text);
    add_histories(line, device, state, columns > taken ? columns - taken : 0, glyphs);
    return line;
}

Line detail_line(const DeviceState& device, const Glyphs& glyphs) {
    constexpr std::size_t kWidth = 9;
    const auto two = [&](const std::optional<std::uint64_t>& now,
                         const std::optional<std::uint64_t>& peak) {
        return mebibytes(now, kWidth) + "/" + mebibytes(peak, kWidth);
    };
    Line line;
    line.add("    ");
    if (!device.trouble.empty()) line.add(one_line(device.trouble) + "  ", Style::bad);
    const auto add = [&](const char* name, std::string_view glyph, Style style, std::string text) {
        line.add(std::string{glyph}, style).add(fmt::format(" {} {} ", name, std::move(text)));
    };
    add("used", glyphs.own, Style::own, two(device.used_bytes, device.used_peak_bytes));
    add("claim", glyphs.claimed, Style::claimed,
        two(device.claimed_bytes, device.claimed_peak_bytes));
    add("foreign", glyphs.foreign, Style::foreign, mebibytes(device.foreign_bytes, kWidth));
    add("fence", glyphs.fenced, Style::fenced, mebibytes(device.fenced_bytes, kWidth));
    add("free", glyphs.free, Style::faint, mebibytes(device.free_bytes, kWidth));
    if (!device.name.empty()) line.add(" " + one_line(device.name));
    if (device.uuid != "cpu") line.add(" " + one_line(device.uuid), Style::faint);
    return line;
}

}  // namespace

Line table_line(const TopRow& row, const TopState& state, std::size_t columns,
                const Glyphs& glyphs) {
    const auto fields = [&](const Fields& known) {
        return fields_line(row, known, columns, glyphs);
    };
    switch (row.kind) {
        case RowKind::heading: return heading_line(row, columns, glyphs);
        case RowKind::device: return device_line(row, state, columns, glyphs);
        case RowKind::device_detail: return detail_line(*row.device, glyphs);
        case RowKind::model: return fields(fields_of(*row.model));
        case RowKind::worker:
            return fields(fields_of(*row.worker, state.label_of(row.worker->device)));
        case RowKind::run: return fields(fields_of(*row.run));
        case RowKind::process: return fields(fields_of(*row.holder, ""));
        case RowKind::wait: return wait_line(row, glyphs);
        case RowKind::stranger:
            return fields(fields_of(*row.holder, state.label_of(row.device->uuid)));
        case RowKind::note: return Line{}.add("! " + row.text, Style::bad);
    }
    std::unreachable();
}

}  // namespace windlass::cli
