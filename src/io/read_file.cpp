// Reads until the end or the limit.
#include "io/read_file.h"

#include <fcntl.h>

#include <algorithm>
#include <span>

#include "io/file_descriptor.h"

namespace windlass::io {

std::optional<std::string> read_file(const std::string& path, std::size_t size_max) {
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!file) return std::nullopt;
    std::string text;
    constexpr std::size_t kPiece = 4096;
    while (text.size() < size_max) {
        const std::size_t before = text.size();
        text.resize(std::min(before + kPiece, size_max));
        const ReadOutcome outcome = read_some(file.number(), std::span{text}.subspan(before));
        text.resize(before + outcome.size);
        if (outcome.errno_value != 0) return std::nullopt;
        if (outcome.size == 0) break;
    }
    return text;
}

}  // namespace windlass::io
