// Where log lines go: stderr, as text for people or as one JSON object a line. spdlog stays behind
// this header. Thread: install before threads start; the sink itself may be called from any.
#pragma once

#include <iosfwd>
#include <memory>

#include "base/log.h"
#include "daemon/configuration.h"
#include "daemon/log_tap.h"

namespace windlass::daemon {

// Makes base::log write to stderr from `level` upwards: in local time with colours when that is a
// terminal and the format is text, else plainly; JSON has UTC with microseconds. Strings cannot
// forge a line: control characters are escaped, invalid UTF-8 becomes U+FFFD. Writing never
// blocks: lines that nobody reads are lost, and `log.lines_lost` says how many.
// `tap` gets a copy of each line.
void install_log(LogFormat format, std::shared_ptr<LogTap> tap = nullptr,
                 base::log::Level level = base::log::Level::info);

// The same sink on a stream, which must outlive it.
base::log::Sink make_log_sink(LogFormat format, base::log::Level level, std::ostream& out);

}  // namespace windlass::daemon
