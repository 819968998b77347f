// JSON of drills: what the daemon and clients say, and the whole report.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/drill_report.h"

namespace windlass::cli::drill {

// "http://127.0.0.1:41234" from the log line of a daemon that has started; none from another.
std::optional<std::string> find_url(std::string_view log_line);

// From what `windlass call --json` printed.
Told parse_told(std::string_view json);

// What a bare process wrote: its pid; none when it is something else.
std::optional<int> parse_pid(std::string_view json);

// A text of TOML, which is one of JSON.
std::string toml_text(std::string_view text);

// The whole of it, with every look.
std::string report_json(const Report& report);
// Of several drills, without the looks.
std::string summary_json(const std::vector<Report>& reports);

}  // namespace windlass::cli::drill
