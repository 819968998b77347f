// JSON of the models API to plain values.
#include "cli/model_json.h"

#include <boost/json.hpp>

namespace windlass::cli {
namespace {

namespace json = boost::json;

base::Error not_a_daemon() {
    return base::fail(
        base::Errc::data_corrupt,
        "the answer is not what a Windlass daemon says of its models; is `--url` one?");
}

std::string text_field(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

bool is_true(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

template <class Number>
std::optional<Number> number_field(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    boost::system::error_code error;
    const Number number = value->to_number<Number>(error);
    if (error) return std::nullopt;
    return number;
}

std::uint64_t count_field(const json::object& object, std::string_view key) {
    return number_field<std::uint64_t>(object, key).value_or(0);
}

std::string last_error(const json::object& object) {
    const json::value* value = object.if_contains("last_error");
    if (value == nullptr || !value->is_object()) return {};
    const json::object& error = value->get_object();
    return text_field(error, "type") + ": " + text_field(error, "message");
}

std::vector<WaitingState> waiting_requests(const json::object& object) {
    std::vector<WaitingState> requests;
    const json::value* list = object.if_contains("waiting_requests");
    if (list == nullptr || !list->is_array()) return requests;
    for (const json::value& item : list->get_array()) {
        if (!item.is_object()) continue;
        const json::object& request = item.get_object();
        requests.push_back({.request_id = text_field(request, "request_id"),
                            .reason = text_field(request, "reason"),
                            .waited_ms = number_field<double>(request, "waited_ms").value_or(0),
                            .priority = count_field(request, "priority")});
    }
    return requests;
}

std::vector<std::string> devices_of(const json::object& object) {
    std::vector<std::string> devices;
    const json::value* list = object.if_contains("workers");
    if (list == nullptr || !list->is_array()) return devices;
    for (const json::value& worker : list->get_array()) {
        if (worker.is_object()) devices.push_back(text_field(worker.get_object(), "device"));
    }
    return devices;
}

base::Result<ModelState> to_model(const json::value& value) {
    if (!value.is_object()) return not_a_daemon();
    const json::object& object = value.get_object();
    ModelState model{.name = text_field(object, "name"),
                     .residency = text_field(object, "residency"),
                     .device = text_field(object, "device"),
                     .devices = devices_of(object),
                     .worker_pid = number_field<std::uint64_t>(object, "worker_pid"),
                     .running = count_field(object, "running"),
                     .waiting = count_field(object, "waiting"),
                     .paused = is_true(object, "paused"),
                     .breaker = text_field(object, "breaker"),
                     .loads = count_field(object, "loads"),
                     .failures = count_field(object, "failures"),
                     .ready_since_s = number_field<double>(object, "ready_since_s"),
                     .loading_for_s = number_field<double>(object, "loading_for_s"),
                     .retry_after_s = number_field<double>(object, "retry_after_s"),
                     .last_error = last_error(object),
                     .waiting_requests = waiting_requests(object)};
    if (model.name.empty() || model.residency.empty()) return not_a_daemon();
    return model;
}

}  // namespace

base::Result<ModelState> parse_model(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error) return not_a_daemon();
    return to_model(value);
}

base::Result<std::vector<ModelState>> parse_models(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::value* list = object == nullptr ? nullptr : object->if_contains("models");
    if (list == nullptr || !list->is_array()) return not_a_daemon();
    std::vector<ModelState> models;
    for (const json::value& item : list->get_array()) models.push_back(WL_TRY(to_model(item)));
    return models;
}

}  // namespace windlass::cli
