// Goal:   a file is read up to its last whole record, and what is no recording is refused in words.
// Method: a small recording, whole, cut at every byte, changed at every byte.
#include "recording/reader.h"

#include <doctest/doctest.h>

#include "recording/testing/small_recording.h"

namespace windlass::recording {
namespace {

using testing::framed;
using testing::get;
using testing::record;
using testing::small_head;
using testing::small_story;

// NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): a file may hold any number
const auto kNoKind = static_cast<RecordKind>(77);

struct Read {
    std::size_t steps = 0;
    bool is_last_open = false;  // the commands of the last one are not there
    std::optional<RecordingEnd> end;
    std::size_t torn = 0;
    std::optional<base::Error> error;
};

Read read(std::string_view bytes) {
    Read all;
    auto reader = Reader::open(bytes);
    if (!reader) return {.error = reader.error()};
    while (true) {
        auto next = reader->next();
        if (!next) all.error = next.error();
        const std::optional<Step> step = next ? std::move(*next) : std::nullopt;
        if (!step) break;
        CHECK_FALSE(all.is_last_open);
        ++all.steps;
        all.is_last_open = !step->commands.has_value();
    }
    all.end = reader->end();
    all.torn = reader->torn();
    return all;
}

}  // namespace

TEST_CASE("a whole recording is read to its end") {
    const std::string bytes = record(small_story());
    auto reader = Reader::open(bytes);
    REQUIRE(reader.has_value());
    CHECK(reader->head().version == "0.1.0");
    CHECK(reader->head().begun_unix_s == 1'800'000'000);
    CHECK(reader->head().origin.models == small_head().origin.models);
    const auto next = reader->next();
    REQUIRE(next.has_value());
    const Step first = get(*next);
    CHECK(std::holds_alternative<core::CallArrived>(first.event));
    CHECK(first.now == core::Instant{std::chrono::hours{1} + std::chrono::seconds{1}});
    CHECK(std::holds_alternative<core::Launch>(get(first.commands).back()));

    const Read all = read(bytes);
    CHECK(all.steps == 5);
    CHECK(all.end == RecordingEnd::stopped);
    CHECK(all.torn == 0);
    CHECK_FALSE(all.error.has_value());
}

TEST_CASE("a file that was cut anywhere is read up to its last whole record") {
    const std::string bytes = record(small_story());
    std::size_t steps = 0;
    for (std::size_t size = record({}, false).size(); size < bytes.size(); ++size) {
        CAPTURE(size);
        const Read cut = read(std::string_view{bytes}.substr(0, size));
        CHECK_FALSE(cut.error.has_value());
        CHECK_FALSE(cut.end.has_value());
        CHECK(cut.steps >= steps);
        CHECK(cut.torn < 200);
        steps = cut.steps;
    }
    CHECK(steps == 5);
}

TEST_CASE("the commands of the last event count as unknown, unless something follows") {
    const std::vector<core::Event> quiet = {core::CallArrived{.request = {1}, .model = {1}},
                                            core::PauseAsked{{1}}, core::PauseAsked{{1}}};
    const Read all = read(record(quiet, false));
    CHECK(all.steps == 3);
    CHECK(all.is_last_open);
    CHECK_FALSE(read(record(quiet)).is_last_open);
}

TEST_CASE("time in which nothing is due is not written down") {
    CHECK(read(record({core::TimePassed{}, core::TimePassed{}})).steps == 0);
}

TEST_CASE("what is no recording, or one of another version, is refused in words") {
    for (const char* bytes : {"", "windlass", "[daemon]\n"}) {
        CHECK(get(read(bytes).error).code == base::Errc::invalid_input);
    }
    CHECK(get(read(kMagic).error).code == base::Errc::data_corrupt);

    std::string other;
    append_text(other, "9.9.9");
    append_text(other, "fed");
    append_number(other, schema_hash() + 1);
    const base::Error foreign =
        get(read(std::string{kMagic} + framed(RecordKind::head, other + "more")).error);
    CHECK(foreign.code == base::Errc::unsupported);
    CHECK(foreign.message.find("Windlass 9.9.9 (fed)") != std::string::npos);
    CHECK(foreign.message.find("replay it with a build of that version") != std::string::npos);
}

TEST_CASE("a byte that was changed is found out") {
    const std::string good = record(small_story());
    for (std::size_t at = kMagic.size(); at < good.size(); ++at) {
        CAPTURE(at);
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        const Read all = read(bad);
        CHECK((all.error.has_value() || (all.torn > 0 && !all.end)));
    }
}

TEST_CASE("what a file says of its version cannot steer a terminal") {
    Head head = testing::small_head();
    head.version = "1\x1b[2J";
    const std::string bytes = Writer{head}.pending();
    const auto reader = Reader::open(bytes);
    REQUIRE(reader.has_value());
    CHECK(reader->head().version == "1?[2J");
}

TEST_CASE("records that are whole and make no sense are an error, once") {
    const std::string head = record({}, false);
    const std::string event = [] {
        std::string body{"\x05"};
        append(body, core::Event{core::PauseAsked{{1}}});
        return body;
    }();
    std::string too_late;
    append_number(too_late, ~std::uint64_t{0});
    append(too_late, core::Event{core::PauseAsked{{1}}});
    for (const std::string& bad :
         {framed(RecordKind::event, ""), framed(RecordKind::event, event + "x"),
          framed(RecordKind::event, too_late), framed(RecordKind::commands, ""),
          framed(RecordKind::head, ""), framed(kNoKind, ""), framed(RecordKind::end, "\x09"),
          framed(RecordKind::end, "\x01") + "more",
          framed(RecordKind::event, event) + framed(RecordKind::commands, "\xff")}) {
        const Read all = read(head + bad);
        CHECK(get(all.error).code == base::Errc::data_corrupt);
        CHECK(all.torn == 0);
    }
    CHECK_FALSE(read(head + framed(RecordKind::event, event)).error.has_value());
}

}  // namespace windlass::recording
