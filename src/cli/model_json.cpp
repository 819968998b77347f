// JSON of the models API to plain values.
#include "cli/model_json.h"

#include <boost/json.hpp>

#include "cli/json_fields.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

bool is_true(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

std::string last_error(const json::object& object) {
    const json::value* value = object.if_contains("last_error");
    if (value == nullptr || !value->is_object()) return {};
    const json::object& error = value->get_object();
    return read_text(error, "type") + ": " + read_text(error, "message");
}

std::vector<WaitingState> waiting_requests(const json::object& object) {
    std::vector<WaitingState> requests;
    for_each_object(object, "waiting_requests", [&requests](const json::object& request) {
        requests.push_back({.request_id = read_text(request, "request_id"),
                            .reason = read_text(request, "reason"),
                            .waited_ms = read_number(request, "waited_ms").value_or(0),
                            .priority = count_field(request, "priority")});
    });
    return requests;
}

std::vector<std::string> devices_of(const json::object& object) {
    std::vector<std::string> devices;
    for_each_object(object, "workers", [&devices](const json::object& worker) {
        std::string device = read_text(worker, "device");
        if (!device.empty()) devices.push_back(std::move(device));
    });
    return devices;
}

std::size_t count_standbys(const json::object& object) {
    std::size_t count = 0;
    for_each_object(object, "workers", [&count](const json::object& worker) {
        if (read_text(worker, "state") == "standby") ++count;
    });
    return count;
}

base::Result<ModelState> to_model(const json::value& value) {
    if (!value.is_object()) return not_a_daemon("models");
    const json::object& object = value.get_object();
    ModelState model{.name = read_text(object, "name"),
                     .residency = read_text(object, "residency"),
                     .device = read_text(object, "device"),
                     .devices = devices_of(object),
                     .standbys = count_standbys(object),
                     .worker_pid = read_count(object, "worker_pid"),
                     .need = read_text(object, "need"),
                     .need_bytes = read_count(object, "need_bytes"),
                     .memory = read_memory(object),
                     .running = count_field(object, "running"),
                     .waiting = count_field(object, "waiting"),
                     .paused = is_true(object, "paused"),
                     .breaker = read_text(object, "breaker"),
                     .loads = count_field(object, "loads"),
                     .failures = count_field(object, "failures"),
                     .ready_since_s = read_number(object, "ready_since_s"),
                     .loading_for_s = read_number(object, "loading_for_s"),
                     .retry_after_s = read_number(object, "retry_after_s"),
                     .last_error = last_error(object),
                     .waiting_requests = waiting_requests(object)};
    if (model.name.empty() || model.residency.empty()) return not_a_daemon("models");
    return model;
}

}  // namespace

base::Result<ModelState> parse_model(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error) return not_a_daemon("models");
    return to_model(value);
}

base::Result<std::vector<ModelState>> parse_models(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::value* list = object == nullptr ? nullptr : object->if_contains("models");
    if (list == nullptr || !list->is_array()) return not_a_daemon("models");
    std::vector<ModelState> models;
    for (const json::value& item : list->get_array()) models.push_back(WL_TRY(to_model(item)));
    return models;
}

}  // namespace windlass::cli
