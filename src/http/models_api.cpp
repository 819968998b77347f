// What there is to see of models, and what is done with them by hand.
#include "http/models_api.h"

#include "http/models_json.h"

namespace windlass::http {
namespace {

Reply model_reply(const base::Result<ModelStatus>& result, ErrorContext context) {
    if (!result) return error_reply(result.error(), context);
    Reply reply{.body = to_json(*result)};
    if (!context.request_id.empty()) {
        append_field(reply.fields, "X-Windlass-Request-Id", context.request_id);
        reply.trace.request_id = std::move(context.request_id);
    }
    return reply;
}

ModelReply reply_to(Respond respond, std::string model) {
    return [respond = std::move(respond), model = std::move(model)](
               std::string request_id, const base::Result<ModelStatus>& result) mutable {
        respond(
            model_reply(result, {.request_id = std::move(request_id), .model = std::move(model)}));
    };
}

}  // namespace

Reply list_models(const Backend& backend) { return Reply{.body = to_json(backend.models())}; }

Reply show_model(const Backend& backend, const std::string& model) {
    return model_reply(backend.model(model), {.model = model});
}

std::uint64_t perform_order(ModelOrder order, Backend& backend, Respond respond) {
    auto reply = reply_to(std::move(respond), order.model);
    return backend.order(std::move(order), std::move(reply));
}

}  // namespace windlass::http
