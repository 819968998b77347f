// Lines of "WORD JOB PID NS".
#include "cli/drill_log.h"

#include <algorithm>
#include <sstream>

#include "io/read_file.h"

namespace windlass::cli::drill {
namespace {

constexpr std::size_t kLogSizeMax = std::size_t{64} << 20;

}  // namespace

std::vector<LogLine> parse_log(std::string_view text) {
    std::vector<LogLine> lines;
    std::istringstream whole{std::string{text.substr(0, text.rfind('\n') + 1)}};
    for (std::string line; std::getline(whole, line);) {
        std::istringstream words{line};
        LogLine read;
        std::int64_t at_ns = 0;
        if (!(words >> read.word >> read.job >> read.pid >> at_ns)) continue;
        read.at = std::chrono::nanoseconds{at_ns};
        lines.push_back(std::move(read));
    }
    return lines;
}

std::vector<LogLine> read_log(const std::string& path) {
    return parse_log(io::read_file(path, kLogSizeMax).value_or(""));
}

std::size_t count_lines(const std::vector<LogLine>& lines, std::string_view word,
                        std::string_view job) {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const LogLine& line) { return line.word == word && line.job == job; }));
}

std::vector<LogLine> lines_of(const std::vector<LogLine>& lines, std::string_view word,
                              std::string_view job) {
    std::vector<LogLine> found;
    std::ranges::copy_if(lines, std::back_inserter(found), [&](const LogLine& line) {
        return line.word == word && (job.empty() || line.job == job);
    });
    return found;
}

}  // namespace windlass::cli::drill
