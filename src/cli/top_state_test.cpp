// What keys and looks do to `windlass top`.
#include "cli/top_state.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "cli/top_testing.h"

namespace cli = windlass::cli;
using cli::KeyCode;
using cli::TopAct;
using cli::TopMode;
using cli::TopSort;
using cli::TopState;
using cli::testing::look;
using cli::testing::press;
using cli::testing::state_with;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> ids(const TopState& state) {
    std::vector<std::string> found;
    for (const cli::TopRow& row : state.rows()) {
        if (!row.id.empty()) found.push_back(row.id);
    }
    return found;
}

bool has(const TopState& state, const std::string& id) {
    const auto all = ids(state);
    return std::ranges::find(all, id) != all.end();
}

void choose(TopState& state, const std::string& id) {
    state.handle({.code = KeyCode::home});
    for (std::size_t i = 0; i < ids(state).size() && state.chosen() != id; ++i) {
        state.handle({.code = KeyCode::down});
    }
    REQUIRE(state.chosen() == id);
}

}  // namespace

TEST_CASE("[R72] models come with their workers, these with runs and processes; then waits") {
    const TopState state = state_with(look());
    CHECK(ids(state) == std::vector<std::string>{"device GPU-a", "device GPU-b", "model big",
                                                 "worker 1", "run r7", "process 101", "model small",
                                                 "worker 2", "model cold", "wait r10", "wait r9",
                                                 "wait r8", "stranger 900 GPU-a"});
}

TEST_CASE("s sorts by memory, model, device and age in turn") {
    TopState state = state_with(look());
    const auto first_models = [&] {
        std::vector<std::string> found;
        for (const std::string& id : ids(state)) {
            if (id.starts_with("model ")) found.push_back(id.substr(6));
        }
        return found;
    };
    CHECK(state.sort() == TopSort::memory);
    CHECK(first_models() == std::vector<std::string>{"big", "small", "cold"});
    press(state, "s");
    CHECK(first_models() == std::vector<std::string>{"big", "cold", "small"});
    press(state, "s");
    CHECK(state.sort() == TopSort::device);
    CHECK(first_models() == std::vector<std::string>{"big", "small", "cold"});
    press(state, "s");
    CHECK(state.sort() == TopSort::age);
    CHECK(first_models() == std::vector<std::string>{"big", "small", "cold"});
    press(state, "s");
    CHECK(state.sort() == TopSort::memory);
}

TEST_CASE("a filter keeps what has the text, in any case, and its family") {
    TopState state = state_with(look());
    press(state, "/GPU1");  // keys of the list are letters here
    CHECK(state.mode() == TopMode::filter);
    CHECK(has(state, "worker 2"));
    CHECK_FALSE(has(state, "worker 1"));
    CHECK_FALSE(has(state, "model cold"));
    CHECK(has(state, "device GPU-a"));  // the overview stays
    for (int i = 0; i < 4; ++i) state.handle({.code = KeyCode::backspace});
    press(state, "oo");
    CHECK(ids(state).size() == 2);  // nothing has "Goo"
    state.handle({.code = KeyCode::escape});
    CHECK(state.mode() == TopMode::list);
    CHECK(has(state, "model cold"));
    press(state, "/r10");
    state.handle({.code = KeyCode::enter});
    CHECK(has(state, "wait r10"));
    CHECK_FALSE(has(state, "wait r9"));
    state.handle({.code = KeyCode::escape});
    CHECK(state.filter().empty());
}

TEST_CASE("rows are shown and hidden, and the choice follows its row") {
    TopState state = state_with(look());
    choose(state, "worker 1");
    state.handle({.code = KeyCode::left});
    CHECK_FALSE(has(state, "run r7"));
    state.handle({.code = KeyCode::right});
    CHECK(has(state, "run r7"));
    press(state, " ");
    CHECK_FALSE(has(state, "run r7"));
    state.handle({.code = KeyCode::enter});
    press(state, "ss");
    CHECK(state.chosen() == "worker 1");
    cli::TopLook without = look();
    without.workers.erase(without.workers.begin());
    state.take(std::move(without));
    CHECK(state.chosen() == "device GPU-a");
    state.handle({.code = KeyCode::end});
    CHECK(state.chosen() == "stranger 900 GPU-a");
    state.handle({.code = KeyCode::page_up});
    CHECK(state.chosen() == "device GPU-a");
    state.handle({.code = KeyCode::up});
    CHECK(state.chosen() == "device GPU-a");
}

TEST_CASE("the chosen row is always among those that are seen") {
    TopState state = state_with(look(), 5);
    for (int i = 0; i < 20; ++i) {
        state.handle({.code = i < 14 ? KeyCode::down : KeyCode::page_up});
        const auto rows = state.rows();
        const auto chosen = std::ranges::find(rows, state.chosen(), &cli::TopRow::id);
        const auto index = static_cast<std::size_t>(chosen - rows.begin());
        CHECK(index >= state.scroll());
        CHECK(index < state.scroll() + 5);
    }
    CHECK(state.scroll() == 0);
}

TEST_CASE("k asks, and only y kills") {
    TopState state = state_with(look());
    press(state, "k");  // a device is chosen
    CHECK(state.mode() == TopMode::list);
    CHECK(state.said().contains("choose a worker"));
    choose(state, "run r7");
    press(state, "k");
    REQUIRE(state.mode() == TopMode::kill);
    const cli::KillTarget target = state.target().value_or(cli::KillTarget{});
    CHECK(target.worker == 1);
    CHECK(target.pid == 100);
    CHECK(target.running == 1);
    for (const cli::Key key : {cli::Key{.character = 'n'}, cli::Key{.character = 'k'},
                               cli::Key{.code = KeyCode::enter}}) {
        CHECK(state.handle(key) == TopAct::none);
        CHECK(state.mode() == TopMode::list);
        press(state, "k");
    }
    CHECK(state.handle({.character = 'y'}) == TopAct::kill);
    CHECK(state.mode() == TopMode::list);
}

TEST_CASE(
    "q quits, + and - change the interval within its bounds, ? is help, p stops the picture") {
    TopState state = state_with(look());
    CHECK(state.handle({.character = 'q'}) == TopAct::quit);
    CHECK(state.handle({.character = '+'}) == TopAct::set_interval);
    CHECK(state.interval() == 2s);
    for (int i = 0; i < 9; ++i) press(state, "-");
    CHECK(state.interval() == 100ms);
    press(state, "?");
    CHECK(state.mode() == TopMode::help);
    CHECK(state.handle({.character = 'q'}) == TopAct::none);
    CHECK(state.mode() == TopMode::list);
    press(state, "z");
    CHECK(state.said() == "? shows the keys");
    press(state, "p");
    cli::TopLook later = look();
    later.daemon.uptime_s = 1;
    state.take(later);
    CHECK(state.look().value_or(cli::TopLook{}).daemon.uptime_s == 7200);
    press(state, "p");
    state.take(later);
    CHECK(state.look().value_or(cli::TopLook{}).daemon.uptime_s == 1);
}

TEST_CASE("[R51] a device has a history with gaps where it, or the daemon, said nothing") {
    TopState state = state_with(look());
    cli::TopLook silent = look();
    silent.devices.devices[0].state = "unresponsive";
    state.take(std::move(silent));
    state.fail("connection refused");
    CHECK(state.trouble() == "connection refused");
    const auto* const history = state.find_history("GPU-a");
    REQUIRE(history != nullptr);
    REQUIRE(history->used.size() == 3);
    CHECK(history->used[0] == 0.5);
    CHECK_FALSE(history->used[1].has_value());
    CHECK_FALSE(history->used[2].has_value());
    CHECK(history->busy[0] == 0.5);
    for (std::size_t i = 0; i < TopState::kHistoryMax + 9; ++i) state.take(look());
    CHECK(state.trouble().empty());
    CHECK(state.find_history("GPU-a")->used.size() == TopState::kHistoryMax);
}
