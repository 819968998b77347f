// What `windlass top` shows, for terminals of many sizes.
#include "cli/top_view.h"

#include <doctest/doctest.h>

#include "cli/top_look.h"
#include "cli/top_testing.h"

namespace cli = windlass::cli;
using cli::ascii_glyphs;
using cli::Glyphs;
using cli::KeyCode;
using cli::TopState;
using cli::unicode_glyphs;
using cli::testing::look;
using cli::testing::press;
using cli::testing::state_with;

namespace {

std::string text_of(const cli::Line& line) {
    std::string text;
    for (const cli::Span& span : line.spans) text += span.text;
    return text;
}

std::string screen(const TopState& state, cli::TopSize size = {},
                   const Glyphs& glyphs = ascii_glyphs()) {
    std::string text;
    for (const cli::Line& line : cli::draw(state, size, glyphs)) text += text_of(line) + "\n";
    return text;
}

std::string line_with(const std::string& text, std::string_view part) {
    const std::size_t at = text.find(part);
    REQUIRE(at != text.npos);
    const std::size_t begin = text.rfind('\n', at) + 1;
    return text.substr(begin, text.find('\n', at) - begin);
}

}  // namespace

TEST_CASE("no line is wider than the terminal, and there are as many as it has") {
    cli::TopLook long_names = look();
    long_names.models[0].name = std::string(300, 'm') + "模型";
    long_names.daemon.troubles = {std::string(300, 't')};
    TopState state = state_with(std::move(long_names));
    for (const char key : {'p', '?', '?', '/', '\0'}) {
        if (key != '\0') press(state, std::string(1, key));
        for (const Glyphs* glyphs : {&unicode_glyphs(), &ascii_glyphs()}) {
            for (std::size_t columns = 1; columns <= 210; columns += 3) {
                for (const std::size_t lines : {1U, 2U, 3U, 5U, 24U, 60U}) {
                    const auto drawn = cli::draw(state, {columns, lines}, *glyphs);
                    CHECK(drawn.size() == lines);
                    for (const cli::Line& line : drawn) {
                        CHECK(cli::cell_count(text_of(line)) <= columns);
                    }
                }
            }
        }
    }
}

TEST_CASE("[R72] [R154] all that is known of a worker stands in its line at 80 columns") {
    const std::string text = screen(state_with(look()));
    const std::string worker = line_with(text, "#1");
    for (const char* part : {"100", "gpu0", "ready", "6144", "7168", "5120", "8192"}) {
        CHECK_MESSAGE(worker.contains(part), worker);
    }
    CHECK(line_with(text, "#2").contains("unload 59s"));
    const std::string run = line_with(text, "r7");
    CHECK(run.contains("3/20 x"));
    CHECK(run.contains("limit 48s"));
    CHECK(line_with(text, "ffmpeg").contains("101"));
    CHECK(line_with(text, "ffmpeg").contains("2048"));
    CHECK(line_with(text, "other").contains("900"));
    CHECK(line_with(text, "#2").contains("      -      -      -      -"));  // unknown is not 0
    CHECK(line_with(text, "memory  ").contains("small"));
    CHECK(text.contains("1 running, 3 waiting (longest 9s)"));
    CHECK(line_with(text, "gpu0  [").contains("######oooooo==....."));
    CHECK(line_with(text, "gpu0  [").contains("12288/24576 busy 50%"));
    CHECK(text.contains("used 12288/14336"));
}

TEST_CASE("a wide terminal shows more columns") {
    const std::string text = screen(state_with(look()), {.columns = 160, .lines = 40});
    for (const char* title : {"TIME", "RUN", "WAIT", "A-PEAK", "C-PEAK"}) {
        CHECK(line_with(text, "MODELS").contains(title));
        CHECK_FALSE(line_with(screen(state_with(look())), "MODELS").contains(title));
    }
    CHECK(text.contains("GPU-a"));
}

TEST_CASE("what is wrong is said: away, degraded, a silent device, nothing yet") {
    TopState away{"http://h:1", std::chrono::seconds{1}};
    CHECK(screen(away).contains("asking"));
    away.fail("connection refused");
    CHECK(screen(away).contains("no answer, trying again: connection refused"));
    CHECK(screen(away).contains("windlass serve"));
    cli::TopLook troubled = look();
    troubled.daemon.status = "degraded";
    troubled.daemon.troubles = {"its driver hangs"};
    troubled.devices.devices[0].state = "unresponsive";
    TopState state = state_with(std::move(troubled));
    CHECK(screen(state).contains("degraded"));
    CHECK(screen(state).contains("! its driver hangs"));
    CHECK(line_with(screen(state), "gpu0  [").contains("unresponsive"));
    state.fail("timeout");
    CHECK(screen(state).contains("away"));
    CHECK(screen(state).contains("#1"));  // what was known stays
}

TEST_CASE("the foot asks before it kills, and help tells every key") {
    TopState state = state_with(look());
    while (state.chosen() != "worker 1") state.handle({.code = KeyCode::down});
    press(state, "k");
    CHECK(screen(state).contains("kill worker 1 of big, pid 100, 1 running? y/n"));
    press(state, "n?");
    const std::string help = screen(state);
    for (const char* key : {"PgUp", "Esc", "kill", "sort", "quit", "strangers", "ALLOC"}) {
        CHECK(help.contains(key));
    }
    press(state, "?/abc");
    CHECK(screen(state).contains("filter: abc_"));
    state.handle({.code = KeyCode::enter});
    CHECK(screen(state).contains("only: abc"));
}

TEST_CASE("exactly one row is chosen, to its full width") {
    const auto drawn = cli::draw(state_with(look()), {}, unicode_glyphs());
    std::size_t count = 0;
    for (const cli::Line& line : drawn) {
        if (!line.is_chosen) continue;
        ++count;
        CHECK(cli::cell_count(text_of(line)) == 80);
    }
    CHECK(count == 1);
}

TEST_CASE("a look as JSON is one line with all fields of the bodies") {
    const cli::TopBodies bodies{.health = R"({"status":"ok"})",
                                .devices = R"({"devices":[],"cpu":null})",
                                .workers = R"({"workers":[]})",
                                .models = "{\"models\":[]}\n"};
    CHECK(cli::look_json("T", "u\"", bodies) ==
          R"({"time":"T","url":"u\"","daemon":{"status":"ok"},"devices":[],"cpu":null,)"
          R"("workers":[],"models":[]})"
          "\n");
    CHECK_FALSE(cli::parse_look(bodies).has_value());  // no daemon says so little
    const std::string trouble =
        cli::trouble_json("T", "u", {.type = "unavailable", .message = "no"});
    CHECK(trouble.starts_with(R"({"time":"T","url":"u","error":{"type":"unavailable")"));
    CHECK(trouble.ends_with("}}\n"));
}
