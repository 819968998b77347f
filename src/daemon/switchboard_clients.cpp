// What clients and administrators ask for.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "daemon/switchboard.h"
#include "daemon/translate.h"

namespace windlass::daemon {

using base::Errc;

namespace {

// What a body without a content type is taken for: RFC 9110 section 8.3.
constexpr const char* kUnknownContent = "application/octet-stream";

}  // namespace

std::uint64_t Switchboard::call(http::CallRequest request, http::CallReply reply) {
    const auto id = find_called(request);
    if (!id) {
        reply({}, id.error());
        return 0;
    }
    const ModelConfiguration& model = configuration_of(*id);
    if (!model.ready.empty()) {
        reply({}, base::fail(Errc::unsupported,
                             fmt::format("the model {0} is a program that serves HTTP by itself;"
                                         " send requests to /api/models/{0}/http/...",
                                         request.model)));
        return 0;
    }
    if (!model.variant.empty()) request.variant = model.variant;
    const core::CallArrived arrived = begin_call(*id, request);
    if (request.content_type.empty()) request.content_type = kUnknownContent;
    calls_.emplace(arrived.request,
                   Call{.model = *id,
                        .arrived = loop_.now(),
                        .content_type = std::move(request.content_type),
                        .body = std::make_shared<const std::string>(std::move(request.body)),
                        .is_idempotent = model.idempotent,
                        .variant = std::move(request.variant),
                        .reply = std::move(reply)});
    handle(arrived);
    return arrived.request.value;
}

// Of the next request.
core::CallArrived Switchboard::begin_call(core::ModelId id, const http::CallRequest& request) {
    const ModelConfiguration& model = configuration_of(id);
    return {.request = core::RequestId{++last_request_},
            .model = id,
            .priority = static_cast<std::uint8_t>(request.priority.value_or(4)),
            .timeout = request.timeout.value_or(model.call_timeout),
            .wait = request.wait.value_or(model.wait_timeout)};
}

std::uint64_t Switchboard::forward(http::CallRequest request, http::ForwardHooks hooks) {
    const auto id = find_called(request);
    if (!id) {
        hooks.fail({}, id.error());
        return 0;
    }
    if (!configuration_of(*id).python.empty()) {
        hooks.fail({}, base::fail(Errc::unsupported,
                                  fmt::format("the model {0} does not serve HTTP by itself; send"
                                              " the request to POST /api/models/{0}/call",
                                              request.model)));
        return 0;
    }
    const core::CallArrived arrived = begin_call(*id, request);
    forwards_.add(arrived.request, std::move(hooks));
    handle(arrived);
    return arrived.request.value;
}

std::uint64_t Switchboard::order(http::ModelOrder order, http::ModelReply reply) {
    const auto id = find_model(order.model);
    if (!id) {
        reply({}, id.error());
        return 0;
    }
    const core::RequestId request{++last_request_};
    const base::Duration limit = order.timeout.value_or(configuration_of(*id).call_timeout);
    const auto done = [&]() -> std::uint64_t {  // as soon as it is asked
        reply(to_text(request), status(*id));
        return 0;
    };
    switch (order.action) {
        case http::ModelAction::load:
            handle(core::LoadAsked{request, *id, limit, order.may_evict});
            if (order.is_awaited) break;
            admins_.emplace(request, Admin{*id, [](const std::string&, const auto&) {}});
            return done();
        case http::ModelAction::offload: handle(core::OffloadAsked{request, *id, limit}); break;
        case http::ModelAction::unload:
            // It is to stay away then, whatever was to take the place of its process.
            if (const auto reload = reloads_.extract(*id)) client_gone(reload.mapped().value);
            handle(core::UnloadAsked{request, *id, limit, order.is_forced});
            break;
        case http::ModelAction::restart: handle(core::RestartAsked{request, *id, limit}); break;
        case http::ModelAction::pause: handle(core::PauseAsked{*id}); return done();
        case http::ModelAction::resume: handle(core::ResumeAsked{*id}); return done();
    }
    admins_.emplace(request, Admin{*id, std::move(reply)});  // answered with the turn's commands
    return request.value;
}

base::Result<http::WorkerStatus> Switchboard::kill_worker(std::uint64_t id) {
    const auto workers = engine_.workers();
    const auto worker =
        std::ranges::find(workers, core::Generation{id}, &core::WorkerView::generation);
    if (worker == workers.end() || !pids_.contains(worker->generation)) {
        return base::fail(
            Errc::not_found,
            fmt::format("there is no worker {}; GET /api/workers lists them with their ids", id));
    }
    if (worker->residency == core::Residency::unkillable) {
        return base::fail(
            Errc::conflict,
            fmt::format("worker {} was killed already and does not die: its process {}"
                        " hangs in the kernel; `windlass doctor` or the machine's own"
                        " log may tell on what",
                        id, pids_.at(worker->generation)));
    }
    http::WorkerStatus before = status(*worker);
    journal_.write_kill_order(before);
    incidents_.note_order(worker->generation, subject_of(worker->generation, worker->model),
                          loop_.now());
    handle(core::KillAsked{worker->generation});
    return before;
}

void Switchboard::client_gone(std::uint64_t request) { handle(core::ClientGone{{request}}); }

}  // namespace windlass::daemon
