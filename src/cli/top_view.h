// What `windlass top` shows, as lines of styled text for a terminal of some size. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "cli/top_state.h"
#include "cli/top_text.h"

namespace windlass::cli {

struct TopSize {
    std::size_t columns = 80;
    std::size_t lines = 24;
};

// So many rows of the list are seen at a time.
std::size_t page_of(TopSize size);

// As many lines as the size has, none wider than it.
std::vector<Line> draw(const TopState& state, TopSize size, const Glyphs& glyphs);

}  // namespace windlass::cli
