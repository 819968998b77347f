// The rows of `windlass top` as lines.
#pragma once

#include <cstddef>

#include "cli/top_state.h"
#include "cli/top_text.h"

namespace windlass::cli {

Line table_line(const TopRow& row, const TopState& state, std::size_t columns,
                const Glyphs& glyphs);

}  // namespace windlass::cli
