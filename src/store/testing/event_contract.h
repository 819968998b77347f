// For tests: what every store must do with events.
#pragma once

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "store/testing/store_contract.h"

namespace windlass::store::testing {

using Numbers = std::vector<std::uint64_t>;

inline base::EventRecord event(std::string code, std::int64_t time_ms = 1'000) {
    return {.time_ms = time_ms, .code = std::move(code)};
}

inline std::vector<base::EventRecord> append(Store& store, std::vector<base::EventRecord> events,
                                             EventRetention retention = {.count_max = 1'000'000}) {
    base::Result<std::vector<base::EventRecord>> result;
    store.append_events(std::move(events), retention,
                        [&result](auto kept) { result = std::move(kept); });
    REQUIRE(store.settle(std::chrono::seconds{30}));
    REQUIRE(result);
    return *result;
}

inline base::EventPage read_events(Store& store, base::EventQuery query = {}) {
    base::Result<base::EventPage> result;
    store.read_events(std::move(query), [&result](auto page) { result = std::move(page); });
    REQUIRE(store.settle(std::chrono::seconds{30}));
    REQUIRE(result);
    return *result;
}

inline Numbers numbers(const base::EventPage& page) {
    Numbers all;
    for (const base::EventRecord& one : page.events) all.push_back(one.number);
    return all;
}

inline void check_events_are_kept(const MakeStore& make) {
    io::Loop loop;
    const auto store = make(loop, "events");

    SUBCASE("an empty store has no events") { CHECK(read_events(*store) == base::EventPage{}); }

    SUBCASE("events come back as they were, with numbers from 1") {
        const std::vector<base::EventRecord> events = {{.time_ms = 5,
                                                        .level = base::log::Level::error,
                                                        .code = "worker.killed",
                                                        .model = "a'\"\\;\n\xc3\xa9",
                                                        .job = "j1",
                                                        .worker = 7,
                                                        .pid = 4711,
                                                        .device = "GPU-1",
                                                        .request = "r17",
                                                        .fields = R"({"a":"\n"})"},
                                                       event("daemon.stopped")};
        const auto kept = append(*store, events);
        REQUIRE(kept.size() == 2);
        CHECK(kept[0].number == 1);
        CHECK(kept[1].number == 2);
        CHECK(read_events(*store).events == kept);
        base::EventRecord without = kept[0];
        without.number = 0;
        CHECK(without == events[0]);
        CHECK(append(*store, {event("x")})[0].number == 3);
    }

    SUBCASE("the oldest go, by count and by time, and their numbers do not come again") {
        append(*store, {event("a"), event("b"), event("c"), event("d")}, {.count_max = 3});
        CHECK(numbers(read_events(*store)) == Numbers{2, 3, 4});
        append(*store, {event("e", 5'000)}, {.count_max = 100, .oldest_ms = 2'000});
        const base::EventPage page = read_events(*store);
        CHECK(numbers(page) == Numbers{5});
        CHECK(page.first == 5);
        append(*store, {}, {.count_max = 100, .oldest_ms = 9'000});
        CHECK(read_events(*store) == base::EventPage{.events = {}, .first = 0, .last = 5});
        CHECK(append(*store, {event("f")})[0].number == 6);
    }
}

inline void check_events_are_found(const MakeStore& make) {
    io::Loop loop;
    const auto store = make(loop, "events");
    std::vector<base::EventRecord> events;
    for (std::int64_t i = 1; i <= 12; ++i) {
        base::EventRecord one = event(i % 2 == 0 ? "model.ready" : "modelx", i * 100);
        one.model = i % 3 == 0 ? "three" : "";
        one.worker = i % 4 == 0 ? std::optional<std::uint64_t>{4} : std::nullopt;
        one.job = i % 5 == 0 ? "five" : "";
        one.level = i % 6 == 0 ? base::log::Level::error : base::log::Level::info;
        events.push_back(one);
    }
    append(*store, events);
    const auto found = [&](base::EventFilter filter) {
        return numbers(read_events(*store, {.filter = std::move(filter), .after = 0}));
    };

    SUBCASE("by what they are about") {
        CHECK(found({.model = "three"}) == Numbers{3, 6, 9, 12});
        CHECK(found({.worker = 4}) == Numbers{4, 8, 12});
        CHECK(found({.job = "five"}) == Numbers{5, 10});
        CHECK(found({.code = "model.ready"}) == Numbers{2, 4, 6, 8, 10, 12});
        CHECK(found({.code = "model."}) == Numbers{2, 4, 6, 8, 10, 12});
        CHECK(found({.code = "model"}).empty());
        CHECK(found({.level = base::log::Level::warning}) == Numbers{6, 12});
        CHECK(found({.since_ms = 1'100}) == Numbers{11, 12});
        CHECK(found({.model = "three", .worker = 4, .code = "model."}) == Numbers{12});
    }
    SUBCASE("in pages upwards") {
        base::EventQuery query{.filter = {.model = "three"}, .after = 3, .limit = 2};
        const base::EventPage first = read_events(*store, query);
        CHECK(numbers(first) == Numbers{6, 9});
        CHECK(first.next == 9);
        CHECK(first.last == 12);
        query.after = first.next;
        const base::EventPage second = read_events(*store, query);
        CHECK(numbers(second) == Numbers{12});
        CHECK_FALSE(second.next.has_value());
        query.after = std::numeric_limits<std::int64_t>::max();
        CHECK(read_events(*store, query).events.empty());
    }
    SUBCASE("the latest, or from a time on") {
        CHECK(numbers(read_events(*store, {.limit = 3})) == Numbers{10, 11, 12});
        CHECK(numbers(read_events(*store, {.filter = {.since_ms = 250}, .limit = 3})) ==
              Numbers{3, 4, 5});
        CHECK(numbers(read_events(*store, {.filter = {.code = "modelx"}, .limit = 2})) ==
              Numbers{9, 11});
    }
}

}  // namespace windlass::store::testing
