// JSON of the workers API to plain values.
#include "cli/worker_json.h"

#include <boost/json.hpp>

namespace windlass::cli {
namespace {

namespace json = boost::json;

base::Error not_of_workers() {
    return base::fail(
        base::Errc::data_corrupt,
        "the answer is not what a Windlass daemon says of its workers; is `--url` one?");
}

std::string text_of(const json::object& worker, std::string_view key) {
    const json::value* value = worker.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

template <class Number>
Number number_of(const json::object& worker, std::string_view key) {
    const json::value* value = worker.if_contains(key);
    if (value == nullptr || !value->is_number()) return {};
    boost::system::error_code error;
    const Number number = value->to_number<Number>(error);
    return error ? Number{} : number;
}

base::Result<WorkerState> to_worker(const json::value& value) {
    if (!value.is_object()) return not_of_workers();
    const json::object& object = value.get_object();
    WorkerState worker{.id = number_of<std::uint64_t>(object, "id"),
                       .pid = number_of<std::uint64_t>(object, "pid"),
                       .model = text_of(object, "model"),
                       .device = text_of(object, "device"),
                       .state = text_of(object, "state"),
                       .since_s = number_of<double>(object, "since_s"),
                       .running = {}};
    if (worker.id == 0 || worker.state.empty()) return not_of_workers();
    if (const json::value* list = object.if_contains("running"); list && list->is_array()) {
        for (const json::value& request : list->get_array()) {
            if (request.is_string()) worker.running.emplace_back(request.get_string());
        }
    }
    return worker;
}

}  // namespace

base::Result<WorkerState> parse_worker(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error) return not_of_workers();
    return to_worker(value);
}

base::Result<std::vector<WorkerState>> parse_workers(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::value* list = object == nullptr ? nullptr : object->if_contains("workers");
    if (list == nullptr || !list->is_array()) return not_of_workers();
    std::vector<WorkerState> workers;
    for (const json::value& item : list->get_array()) workers.push_back(WL_TRY(to_worker(item)));
    return workers;
}

}  // namespace windlass::cli
