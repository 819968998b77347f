// The only file that includes ncurses.
#include "cli/top_screen.h"

// Functions instead of macros with names such as `move` and `erase`.
// NOLINTNEXTLINE(readability-identifier-naming): the name that ncurses gave it
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace windlass::cli {
namespace {

constexpr int kEscapeDelayMs = 25;  // so long an Esc may be the beginning of another key
constexpr short kDefaultColour = -1;
constexpr auto kColours =
    std::to_array<short>({COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_CYAN});  // pairs, too
constexpr int kEscape = 27;
constexpr int kDelete = 127;

const char* environment(const char* name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets variables
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

base::Error no_terminal(const std::string& why) {
    return base::fail(base::Errc::unsupported,
                      fmt::format("windlass top cannot show its screen: {}; "
                                  "`windlass top --json` prints the same as lines",
                                  why));
}

// 0: that of the text around.
short colour_of(Style style) {
    switch (style) {
        case Style::plain:
        case Style::title:
        case Style::faint: return 0;
        case Style::good:
        case Style::own: return COLOR_GREEN;
        case Style::busy:
        case Style::claimed: return COLOR_CYAN;
        case Style::foreign: return COLOR_YELLOW;
        case Style::bad:
        case Style::fenced: return COLOR_RED;
    }
    return 0;
}

attr_t pair_of(short colour) { return static_cast<attr_t>(COLOR_PAIR(colour)); }

attr_t attributes_of(Style style, bool has_colour) {
    if (style == Style::title) return A_BOLD;
    if (style == Style::faint) return A_DIM;
    if (style == Style::bad) return A_BOLD | (has_colour ? pair_of(COLOR_RED) : A_NORMAL);
    const short colour = colour_of(style);
    return has_colour && colour != 0 ? pair_of(colour) : A_NORMAL;
}

std::optional<Key> to_key(int pressed) {
    switch (pressed) {
        case KEY_UP: return Key{.code = KeyCode::up};
        case KEY_DOWN: return Key{.code = KeyCode::down};
        case KEY_LEFT: return Key{.code = KeyCode::left};
        case KEY_RIGHT: return Key{.code = KeyCode::right};
        case KEY_PPAGE: return Key{.code = KeyCode::page_up};
        case KEY_NPAGE: return Key{.code = KeyCode::page_down};
        case KEY_HOME: return Key{.code = KeyCode::home};
        case KEY_END: return Key{.code = KeyCode::end};
        case KEY_ENTER:
        case '\r':
        case '\n': return Key{.code = KeyCode::enter};
        case KEY_BACKSPACE:
        case '\b':
        case kDelete: return Key{.code = KeyCode::backspace};
        case kEscape: return Key{.code = KeyCode::escape};
        default: break;
    }
    if (pressed < ' ' || pressed > '~') return std::nullopt;
    return Key{.code = KeyCode::character, .character = static_cast<char>(pressed)};
}

}  // namespace

struct TopScreen::Terminal {
    explicit Terminal(SCREEN* taken) : screen(taken) {}
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        endwin();
        delscreen(screen);
    }

    SCREEN* screen;
    bool has_colour = false;
};

base::Result<TopScreen> TopScreen::open(bool has_colour) {
    if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
        return no_terminal("its input and output are not a terminal");
    }
    const std::string kind = environment("TERM");
    if (kind.empty() || kind == "dumb") {
        return no_terminal(fmt::format("the terminal (TERM={}) cannot place text", kind));
    }
    SCREEN* const screen = newterm(nullptr, stdout, stdin);
    if (screen == nullptr) {
        return no_terminal(
            fmt::format("nothing is known of the terminal TERM={}, try TERM=xterm", kind));
    }
    auto terminal = std::make_unique<Terminal>(screen);
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(kEscapeDelayMs);
    terminal->has_colour = has_colour && has_colors();
    if (terminal->has_colour) {
        start_color();
        use_default_colors();
        for (const short colour : kColours) {
            init_pair(colour, colour, kDefaultColour);
        }
    }
    return TopScreen{std::move(terminal)};
}

TopScreen::TopScreen(std::unique_ptr<Terminal> terminal) : terminal_(std::move(terminal)) {}
TopScreen::~TopScreen() = default;
TopScreen::TopScreen(TopScreen&& other) noexcept = default;

TopSize TopScreen::size() const {
    return {.columns = static_cast<std::size_t>(getmaxx(stdscr)),
            .lines = static_cast<std::size_t>(getmaxy(stdscr))};
}

void TopScreen::show(const std::vector<Line>& lines) {
    werase(stdscr);
    int row = 0;
    for (const Line& line : lines) {
        wmove(stdscr, row++, 0);
        for (const Span& span : line.spans) {
            const attr_t attributes = attributes_of(span.style, terminal_->has_colour) |
                                      (line.is_chosen ? A_REVERSE : A_NORMAL);
            wattrset(stdscr, static_cast<int>(attributes));
            // At the end of the last line it says that the cursor can go no further.
            waddnstr(stdscr, span.text.data(), static_cast<int>(span.text.size()));
        }
    }
    wattrset(stdscr, A_NORMAL);
    wrefresh(stdscr);
}

std::optional<Key> TopScreen::take_key() {
    while (true) {
        const int pressed = wgetch(stdscr);
        if (pressed == ERR) return std::nullopt;
        if (const auto key = to_key(pressed)) return key;
    }
}

}  // namespace windlass::cli
