// One order at a time for each model.
#include "daemon/preloads.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace windlass::daemon {

Preloads::Preloads(io::Loop& loop, Order order, Pauses pauses)
    : loop_(loop), order_(std::move(order)), pauses_(pauses) {}

void Preloads::start(const std::vector<std::string>& models) {
    for (const std::string& model : models) {
        missing_.try_emplace(
            model, loop_, [this, model] { load(model); }, pauses_.first);
    }
    for (const std::string& model : models) load(model);
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
    Missing& missing = missing_.at(model);
    missing.failure = result.error();
    missing.retry.start(missing.pause);
    missing.pause = std::min(missing.pause * 2, pauses_.max);
}

std::optional<http::Unready> Preloads::unready() const {
    if (missing_.empty()) return std::nullopt;
    const auto& [model, missing] = *missing_.begin();
    const std::optional<base::Error>& failure = missing.failure;
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
