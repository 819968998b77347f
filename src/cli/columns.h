// Tables for people.
#pragma once

#include <string>
#include <vector>

namespace windlass::cli {

// One line for each row, its cells padded to the widest of their column, two spaces between them.
// Widths count code points; rows may be of different lengths.
std::string align(const std::vector<std::vector<std::string>>& rows);

}  // namespace windlass::cli
