// One order at a time for each model.
#include "daemon/preloads.h"

#include <fmt/core.h>

#include <utility>

namespace windlass::daemon {

Preloads::Preloads(io::Loop& loop, Order order, base::Duration retry_after)
    : order_(std::move(order)), retry_after_(retry_after), retry_(loop, [this] { try_again(); }) {}

void Preloads::start(const std::vector<std::string>& models) {
    for (const std::string& model : models) missing_.emplace(model, std::nullopt);
    for (const std::string& model : models) load(model);
}

void Preloads::try_again() {
    for (const std::string& model : std::exchange(failed_, {})) load(model);
}

void Preloads::load(const std::string& model) {
    order_(model,
           [this, model](const std::string&, const auto& result) { on_reply(model, result); });
}

void Preloads::on_reply(const std::string& model, const base::Result<http::ModelStatus>& result) {
    // One that is not in the configuration any more is missed by nobody.
    if (result || result.error().code == base::Errc::not_found) {
        missing_.erase(model);
        return;
    }
    missing_.at(model) = result.error();
    if (failed_.empty()) retry_.start(retry_after_);
    failed_.push_back(model);
}

std::optional<http::Unready> Preloads::unready() const {
    if (missing_.empty()) return std::nullopt;
    const auto& [model, failure] = *missing_.begin();
    base::Error error = base::fail(
        base::Errc::unavailable,
        failure ? fmt::format("the model {} could not be loaded at the start, and is tried again: "
                              "{}; GET /api/models/{} tells more",
                              model, failure->message, model)
                : fmt::format("the model {} is still being loaded, as its `preload` wants it; GET "
                              "/api/models/{} tells how far it is",
                              model, model));
    error.reason = "preload";
    return http::Unready{std::move(error), model};
}

}  // namespace windlass::daemon
