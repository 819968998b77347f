// Cuts what a child prints into lines, and long lines between characters.
#include "io/lines.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace windlass::io {

void LineSplitter::feed(std::span<const char> bytes) {
    std::string_view text{bytes.data(), bytes.size()};
    while (true) {
        const std::size_t end = text.find_first_of("\r\n");
        append(text.substr(0, end));
        if (end == std::string_view::npos) return;
        deliver(line_.size());
        text.remove_prefix(end + 1);
    }
}

void LineSplitter::finish() { deliver(line_.size()); }

void LineSplitter::append(std::string_view text) {
    while (!text.empty()) {
        const std::size_t taken = std::min(text.size(), kLineSizeMax - line_.size());
        line_.append(text.substr(0, taken));
        text.remove_prefix(taken);
        if (line_.size() < kLineSizeMax) return;
        // Leaves a character that may not be complete for the next piece.
        deliver(base::whole_characters_size(line_));
    }
}

void LineSplitter::deliver(std::size_t size) {
    if (size == 0) return;
    std::string piece = base::to_valid_utf8(std::string_view{line_}.substr(0, size));
    line_.erase(0, size);
    sink_(std::move(piece));
}

}  // namespace windlass::io
