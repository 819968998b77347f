// How far an attempt says it is, to JSON and back.
#include "daemon/job_progress_json.h"

#include <boost/json.hpp>

#include "http/json_writer.h"

namespace windlass::daemon {

namespace json = boost::json;

std::string to_json(const worker::Progressed& progress) {
    http::JsonWriter writer;
    writer.begin_object();
    if (progress.step) writer.key("step").number(*progress.step);
    if (progress.total) writer.key("total").number(*progress.total);
    if (progress.phase) writer.key("phase").string(*progress.phase);
    writer.end_object();
    return writer.take();
}

std::optional<http::ProgressStatus> read_progress(std::string_view text) {
    boost::system::error_code failed;
    const json::value value = json::parse(text, failed);
    const json::object* const object = failed ? nullptr : value.if_object();
    if (object == nullptr) return std::nullopt;
    const auto number = [&](const char* name) -> std::optional<std::uint64_t> {
        const json::value* const found = object->if_contains(name);
        if (found == nullptr) return std::nullopt;
        const auto count = found->to_number<std::uint64_t>(failed);
        return failed ? std::nullopt : std::optional{count};
    };
    http::ProgressStatus progress{.step = number("step"), .total = number("total")};
    const json::value* const phase = object->if_contains("phase");
    if (phase != nullptr && phase->is_string())
        progress.phase = std::string{std::string_view{phase->get_string()}};
    return progress;
}

}  // namespace windlass::daemon
