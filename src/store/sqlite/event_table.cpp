// SQL on the table `event`. Numbers grow in the order of the rows, so that ranges of them are
// pieces of the table.
#include "store/sqlite/event_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

namespace windlass::store::sqlite {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
// Rows that one step looks at: some 10 ms (measured 2026-11, 300 bytes each, in memory).
constexpr std::int64_t kStep = 20'000;
// How many may go with one batch that comes; more than come, so that an end is reached.
constexpr std::int64_t kTrimmed = 2'000;

constexpr std::string_view kColumns =
    "number, time_ms, level, code, model, job, worker, pid, device, request, fields";
// Of a filter; ?1 to ?2 are the range of numbers, ?3 how many rows at most.
constexpr std::string_view kConditions =
    "number BETWEEN ?1 AND ?2 AND level >= ?4 AND time_ms >= ?5 AND (?6 = '' OR model = ?6) "
    "AND (?7 = '' OR job = ?7) AND (?8 IS NULL OR worker = ?8) AND (?9 = '' OR code = ?9 "
    "OR (substr(?9, -1) = '.' AND substr(code, 1, length(?9)) = ?9))";

std::int64_t to_sql(std::uint64_t number) {
    return static_cast<std::int64_t>(std::min(number, static_cast<std::uint64_t>(kMost)));
}

std::optional<std::int64_t> to_sql(const std::optional<std::uint64_t>& number) {
    if (!number) return std::nullopt;
    return to_sql(*number);
}

std::uint64_t from_sql(std::int64_t number) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0));
}

base::EventRecord row(const Statement& statement) {
    base::EventRecord event;
    event.number = from_sql(statement.number(0));
    event.time_ms = statement.number(1);
    event.level =
        static_cast<base::log::Level>(std::clamp<std::int64_t>(statement.number(2), 0, 3));
    event.code = statement.text(3);
    event.model = statement.text(4);
    event.job = statement.text(5);
    if (const auto worker = statement.optional_number(6)) event.worker = from_sql(*worker);
    event.pid = statement.optional_number(7);
    event.device = statement.text(8);
    event.request = statement.text(9);
    event.fields = statement.text(10);
    return event;
}

struct Range {
    std::int64_t low;
    std::int64_t high;
};

base::Result<Statement> select(Connection& connection, const EventReading& reading, Range range,
                               std::string_view order) {
    const base::EventFilter& filter = reading.query.filter;
    const std::size_t wanted = reading.query.limit - reading.page.events.size();
    Statement statement = WL_TRY(
        connection.prepare(fmt::format("SELECT {} FROM event WHERE {} ORDER BY number {} LIMIT ?3",
                                       kColumns, kConditions, order)));
    statement.bind(range.low).bind(range.high).bind(static_cast<std::int64_t>(wanted));
    statement.bind(static_cast<std::int64_t>(filter.level));
    statement.bind(filter.since_ms.value_or(std::numeric_limits<std::int64_t>::min()));
    statement.bind(filter.model).bind(filter.job).bind(to_sql(filter.worker)).bind(filter.code);
    return statement;
}

base::Result<void> collect(Statement& statement, base::EventPage& page) {
    while (WL_TRY(statement.step())) page.events.push_back(row(statement));
    return {};
}

// From `position` upwards.
base::Result<void> step_up(Connection& connection, EventReading& reading) {
    const std::int64_t last = to_sql(reading.page.last);
    const std::int64_t behind = std::min(to_sql(reading.position.value_or(0)), last);
    const std::int64_t low = std::max(behind + 1, to_sql(reading.page.first));
    const std::int64_t high = std::min(last, low > kMost - kStep ? kMost : low + kStep - 1);
    Statement statement = WL_TRY(select(connection, reading, {low, high}, "ASC"));
    WL_TRY(collect(statement, reading.page));
    if (reading.page.events.size() == reading.query.limit) {
        reading.is_over = true;
        const std::uint64_t end = reading.page.events.back().number;
        if (end < reading.page.last) reading.page.next = end;
    } else {
        reading.is_over = high >= last;
        reading.position = from_sql(high);
    }
    return {};
}

// From `position` downwards, the latest first, until there are enough.
base::Result<void> step_down(Connection& connection, EventReading& reading) {
    const std::int64_t high =
        reading.position ? to_sql(*reading.position) - 1 : to_sql(reading.page.last);
    const std::int64_t low = std::max<std::int64_t>(high - kStep + 1, 1);
    Statement statement = WL_TRY(select(connection, reading, {low, high}, "DESC"));
    WL_TRY(collect(statement, reading.page));
    reading.position = from_sql(low);
    reading.is_over =
        low <= to_sql(reading.page.first) || reading.page.events.size() == reading.query.limit;
    if (reading.is_over) std::ranges::reverse(reading.page.events);
    return {};
}

base::Result<std::uint64_t> last_number(Connection& connection) {
    Statement statement = WL_TRY(
        connection.kept("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name='event'"));
    WL_TRY(statement.step());
    return from_sql(statement.number(0));
}

}  // namespace

base::Result<void> insert_events(Connection& connection, std::vector<base::EventRecord>& events) {
    static const std::string kSql = fmt::format(
        "INSERT INTO event({}) VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
        kColumns);
    for (base::EventRecord& event : events) {
        Statement insert = WL_TRY(connection.kept(kSql));
        insert.bind(event.time_ms).bind(static_cast<std::int64_t>(event.level));
        insert.bind(event.code).bind(event.model).bind(event.job);
        insert.bind(to_sql(event.worker)).bind(event.pid);
        insert.bind(event.device).bind(event.request).bind(event.fields);
        WL_TRY(insert.step());
        event.number = from_sql(insert.number(0));
        WL_TRY(insert.step());  // to its end, or the insert does not count
    }
    return {};
}

base::Result<void> trim_events(Connection& connection, const EventRetention& retention) {
    const std::uint64_t last = WL_TRY(last_number(connection));
    const std::uint64_t above = last - std::min(last, retention.count_max);
    Statement statement = WL_TRY(
        connection.kept("DELETE FROM event WHERE number < (SELECT min(number) FROM event) + ?1 "
                        "AND (number <= ?2 OR time_ms < ?3)"));
    statement.bind(kTrimmed).bind(to_sql(above)).bind(retention.oldest_ms);
    WL_TRY(statement.step());
    return {};
}

base::Result<void> read_step(Connection& connection, EventReading& reading) {
    const bool is_latest = !reading.query.after && !reading.query.filter.since_ms;
    if (!reading.position) reading.position = reading.query.after;
    reading.page.first =
        from_sql(WL_TRY(connection.number("SELECT coalesce(min(number), 0) FROM event")));
    const std::uint64_t last = WL_TRY(last_number(connection));
    // What comes between two steps is for the next page downwards, but for this one upwards.
    if (!is_latest || reading.page.last == 0) reading.page.last = last;
    reading.is_over = reading.page.first == 0;
    if (reading.is_over) return {};
    return is_latest ? step_down(connection, reading) : step_up(connection, reading);
}

}  // namespace windlass::store::sqlite
