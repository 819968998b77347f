// What there is to see of models, and their loading and unloading by hand.
#include "http/models_api.h"

#include "http/models_json.h"

namespace windlass::http {
namespace {

Reply model_reply(const base::Result<ModelStatus>& result, const std::string& model) {
    if (!result) return error_reply(result.error(), {.model = model});
    return Reply{.body = to_json(*result)};
}

ModelReply reply_to(Respond respond, std::string model) {
    return [respond = std::move(respond),
            model = std::move(model)](const base::Result<ModelStatus>& result) mutable {
        respond(model_reply(result, model));
    };
}

}  // namespace

Reply list_models(const Backend& backend) { return Reply{.body = to_json(backend.models())}; }

Reply show_model(const Backend& backend, const std::string& model) {
    return model_reply(backend.model(model), model);
}

std::uint64_t perform_load(ModelOrder order, Backend& backend, Respond respond) {
    auto reply = reply_to(std::move(respond), order.model);
    return backend.load(std::move(order.model), order.timeout, std::move(reply));
}

std::uint64_t perform_unload(ModelOrder order, Backend& backend, Respond respond) {
    auto reply = reply_to(std::move(respond), order.model);
    return backend.unload(std::move(order.model), order.timeout, std::move(reply));
}

}  // namespace windlass::http
