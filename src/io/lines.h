// Cuts printed bytes into lines of valid UTF-8 with a limit in length. Sans I/O.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace windlass::io {

// A line ends with "\n", "\r\n" or a lone "\r" (a progress bar redraws its line that way). Lines
// come without their end; empty ones do not come. A line of more than kLineSizeMax bytes comes in
// pieces of at most that size as they were printed, cut between characters.
class LineSplitter {
  public:
    using Sink = std::function<void(std::string line)>;

    explicit LineSplitter(Sink sink) : sink_(std::move(sink)) {}

    void feed(std::span<const char> bytes);

    // Delivers what is left of a line that never ended.
    void finish();

    static constexpr std::size_t kLineSizeMax = 16'384;

  private:
    void append(std::string_view text);
    void deliver(std::size_t size);  // that much of line_

    Sink sink_;
    std::string line_;  // shorter than kLineSizeMax between calls
};

}  // namespace windlass::io
