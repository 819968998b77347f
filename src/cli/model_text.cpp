// Models as tables and lines.
#include "cli/model_text.h"

#include <fmt/core.h>

#include <map>

#include "cli/body_text.h"
#include "cli/columns.h"

namespace windlass::cli {
namespace {

std::string note(const ModelState& model) {
    std::string text = model.paused ? "paused; " : "";
    if (model.breaker == "open" || model.breaker == "probing") {
        text += fmt::format("breaker {}; ", model.breaker);
    }
    if (model.retry_after_s)
        text += fmt::format("next try in {}; ", rough_time(*model.retry_after_s));
    if (model.standbys > 0) text += fmt::format("{} on standby; ", model.standbys);
    if (!model.last_error.empty()) text += one_line(model.last_error);
    return text.ends_with("; ") ? text.substr(0, text.size() - 2) : text;
}

// Where its copies are, each device once: "GPU-1", "GPU-1 (2), GPU-2". What has no process is
// nowhere.
std::string device_text(const ModelState& model) {
    std::map<std::string, std::size_t> counts;
    for (const std::string& device : model.devices) ++counts[device];
    if (counts.empty()) return model.device.empty() ? "-" : one_line(model.device);
    std::string text;
    for (const auto& [device, count] : counts) {
        text += (text.empty() ? "" : ", ") + one_line(device);
        if (count > 1) text += fmt::format(" ({})", count);
    }
    return text;
}

// "2.5 GiB (learned)", "configured", "unknown".
std::string need_text(const ModelState& model) {
    if (!model.need_bytes) return one_line(model.need);
    return fmt::format("{} ({})", base::to_text(base::Bytes{*model.need_bytes}),
                       one_line(model.need));
}

std::string pid_text(const ModelState& model) {
    return model.worker_pid ? std::to_string(*model.worker_pid) : "-";
}

}  // namespace

std::string rough_time(double seconds) {
    if (seconds < 120) return fmt::format("{:.0f} s", seconds);
    if (seconds < 120 * 60) return fmt::format("{:.0f} min", seconds / 60);
    return fmt::format("{:.0f} h", seconds / 3600);
}

std::string residency_text(const ModelState& model) {
    const std::optional<double> age =
        model.loading_for_s ? model.loading_for_s : model.ready_since_s;
    const std::string residency = one_line(model.residency);
    return age ? fmt::format("{} ({})", residency, rough_time(*age)) : residency;
}

std::string models_table(const std::vector<ModelState>& models) {
    if (models.empty()) return "no models: the daemon's configuration has none\n";
    std::vector<std::vector<std::string>> rows = {
        {"MODEL", "STATE", "DEVICE", "PID", "RUNNING", "WAITING", "LOADS", "FAILURES", "NOTE"}};
    for (const ModelState& model : models) {
        rows.push_back({one_line(model.name), residency_text(model), device_text(model),
                        pid_text(model), std::to_string(model.running),
                        std::to_string(model.waiting), std::to_string(model.loads),
                        std::to_string(model.failures), note(model)});
    }
    return align(rows);
}

std::string model_details(const ModelState& model) {
    std::vector<std::vector<std::string>> rows = {
        {"model", one_line(model.name)},
        {"state", residency_text(model)},
        {"device", device_text(model)},
        {"pid", pid_text(model)},
        {"running", std::to_string(model.running)},
        {"waiting", std::to_string(model.waiting)},
        {"loads", std::to_string(model.loads)},
        {"failures", std::to_string(model.failures)},
    };
    if (!model.need.empty()) rows.push_back({"need", need_text(model)});
    if (!model.last_error.empty()) rows.push_back({"last error", one_line(model.last_error)});
    if (model.retry_after_s) rows.push_back({"next try in", rough_time(*model.retry_after_s)});
    std::string text = align(rows);
    if (model.waiting_requests.empty()) return text;
    rows = {{"REQUEST", "WAITS FOR", "SINCE", "PRIORITY"}};
    for (const WaitingState& request : model.waiting_requests) {
        rows.push_back({one_line(request.request_id), one_line(request.reason),
                        rough_time(request.waited_ms / 1000), std::to_string(request.priority)});
    }
    text += "\n" + align(rows);
    const std::size_t shown = model.waiting_requests.size();
    if (model.waiting > shown) text += fmt::format("and {} more\n", model.waiting - shown);
    return text;
}

std::string model_line(const ModelState& model) {
    const std::string where =
        model.worker_pid ? fmt::format(", pid {} on {}", *model.worker_pid, one_line(model.device))
                         : std::string{};
    return fmt::format("{}: {}{}{}\n", one_line(model.name), one_line(model.residency), where,
                       model.paused ? ", paused" : "");
}

std::string waiting_text(const ModelState& model, base::Duration elapsed) {
    const std::string name = one_line(model.name);
    const double waited_s = base::to_milliseconds(elapsed) / 1000;
    if (model.residency == "ready" && model.waiting > 0) {
        return fmt::format("{}: {} running, {} waiting ({})", name, model.running, model.waiting,
                           rough_time(waited_s));
    }
    if (model.residency == "ready")
        return fmt::format("{}: running ({})", name, rough_time(waited_s));
    if (model.residency == "backoff") {
        return fmt::format("{}: its last load failed; next try in {}", name,
                           rough_time(model.retry_after_s.value_or(0)));
    }
    return fmt::format("{}: {} ({})", name, one_line(model.residency),
                       rough_time(model.loading_for_s.value_or(waited_s)));
}

}  // namespace windlass::cli
