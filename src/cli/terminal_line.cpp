// Rewrites a line of a terminal.
#include "cli/terminal_line.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"

namespace windlass::cli {
namespace {

constexpr std::size_t kColumns = 79;  // a longer line would wrap and could not be rewritten

}  // namespace

bool stderr_is_terminal() {
    if (isatty(STDERR_FILENO) == 0) return false;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets variables
    const char* const kind = std::getenv("TERM");
    return kind != nullptr && std::string_view{kind} != "dumb";
}

// ECMA-48: carriage return, then EL 2, erase the line.
void rewrite_line(const std::string& text) {
    const std::string_view piece = std::string_view{text}.substr(0, kColumns);
    const std::string shown{piece.substr(0, base::whole_characters_size(piece))};
    std::fputs(("\r\x1b[2K" + shown).c_str(), stderr);
    std::fflush(stderr);
}

}  // namespace windlass::cli
