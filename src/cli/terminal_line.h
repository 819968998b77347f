// One line of stderr that is written again and again.
#pragma once

#include <string>

namespace windlass::cli {

// A terminal that can erase a line. Not beside a thread that sets variables of the environment.
bool stderr_is_terminal();

// As much of `text` as has room, in place of what was there; empty: the line is cleared.
void rewrite_line(const std::string& text);

}  // namespace windlass::cli
