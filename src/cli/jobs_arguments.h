// What `windlass submit`, `jobs`, `queue` and `report` were asked for.
#pragma once

#include <windlass/job.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace windlass::cli {

struct SubmitArguments {
    std::string url;
    std::string model;
    std::optional<std::string> data;
    std::optional<std::string> file;  // "-": standard input
    std::optional<std::string> content_type;
    JobOptions options = {};  // but for the content type
    bool wait = false;        // for the result
    bool follow = false;      // likewise, and show how far it is
    std::optional<std::string> output;
    bool json = false;
};

enum class JobsAction : std::uint8_t { list, show, result, follow, order };

struct JobsArguments {
    std::string url;
    JobsAction action = JobsAction::list;
    JobOrder order = {};
    std::string id;                     // empty: all that the query admits
    std::string query;                  // of the API: "state=failed&model=digits"
    std::optional<std::string> output;  // of a result: the file
    bool json = false;
};

struct QueueArguments {
    std::string url;
    bool detailed = false;
    bool json = false;
};

struct ReportArguments {
    std::string url;
    std::string since = "24h";
    bool json = false;
};

}  // namespace windlass::cli
