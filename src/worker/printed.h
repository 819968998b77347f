// What a worker says to people, on stdout, stderr or its channel.
#pragma once

#include <cstdint>
#include <string>

#include "base/log.h"

namespace windlass::worker {

enum class Output : std::uint8_t { standard_output, standard_error, log };

// A line that it printed, in UTF-8 and pieces of 16 KiB; or the lines of a log frame, 64 KiB.
struct Printed {
    std::uint64_t generation = 0;
    std::string model;
    Output output = Output::standard_output;
    base::log::Level level = base::log::Level::info;
    std::string line;
    // A hook that raised at its end; `line` is the exception's text then.
    std::string hook = {};
    std::string cause = {};
    std::string traceback = {};
};

}  // namespace windlass::worker
