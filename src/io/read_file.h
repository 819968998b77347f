// Small files whole: /proc, locks, records. Thread: any.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace windlass::io {

// What the file holds, but at most `size_max` bytes of it; none if it cannot be read.
std::optional<std::string> read_file(const std::string& path, std::size_t size_max);

}  // namespace windlass::io
