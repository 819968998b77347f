// What `windlass replay` says.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "recording/replay.h"

namespace windlass::cli {

struct ReplayReport {
    std::string file;
    recording::Head head;
    recording::Summary summary;
    std::optional<recording::RecordingEnd> end;
    std::size_t torn = 0;  // bytes at the end of the file that are no whole record
    std::optional<recording::Finding> finding;
};

std::string replay_text(const ReplayReport& report);
std::string replay_json(const ReplayReport& report);

}  // namespace windlass::cli
