// What the workers of a drill have written down of their runs themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace windlass::cli::drill {

struct LogLine {
    std::string word;  // "loaded", "began", "asked" (SIGTERM reached it), "refused", "ended"
    std::string job;
    int pid = 0;
    base::Duration at{};  // by the steady clock
};

// What is whole of it, in order; nothing of a file that is not there.
std::vector<LogLine> read_log(const std::string& path);
std::vector<LogLine> parse_log(std::string_view text);

std::size_t count_lines(const std::vector<LogLine>& lines, std::string_view word,
                        std::string_view job);

// Those of one job, or with no job of all.
std::vector<LogLine> lines_of(const std::vector<LogLine>& lines, std::string_view word,
                              std::string_view job = {});

}  // namespace windlass::cli::drill
