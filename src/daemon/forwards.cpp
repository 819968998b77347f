// Their places.
#include "daemon/forwards.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace windlass::daemon {

using base::Errc;
using namespace std::chrono_literals;

namespace {

// How often the engine hears that something moves; far below any sensible `stall_timeout`.
constexpr core::Duration kMovedPause = 100ms;

}  // namespace

// Events come from the loop, never from within a command.
void Forwards::tell(core::Event event) {
    loop_.post([this, event = std::move(event)] { handle_(event); });
}

void Forwards::add(core::RequestId request, http::ForwardHooks hooks) {
    requests_.emplace(request, Request{.hooks = std::move(hooks)});
}

void Forwards::open(core::Generation generation, Address address, std::uint32_t concurrency) {
    workers_.emplace(generation, Worker{std::move(address), concurrency});
}

// The engine knows what became of its requests by itself.
void Forwards::close(core::Generation generation) {
    if (workers_.erase(generation) == 0) return;
    std::vector<core::RequestId> lost;
    for (const auto& [id, request] : requests_) {
        if (request.phase != Phase::waiting && request.generation == generation) lost.push_back(id);
    }
    for (const core::RequestId id : lost) {
        Request& request = requests_.at(id);
        if (std::exchange(request.phase, Phase::waiting) == Phase::begun) request.hooks.stop();
        if (request.is_answered) requests_.erase(id);
    }
}

void Forwards::dispatch(core::Generation generation, http::ForwardPlace place) {
    const core::RequestId id{place.request};
    Request& request = requests_.at(id);
    const auto worker = workers_.find(generation);
    if (worker == workers_.end()) {
        return tell(core::RunFailed{
            generation, id,
            base::fail(Errc::unsupported,
                       "the model does not serve HTTP by itself; send the request to"
                       " POST /api/models/NAME/call")});
    }
    // The engine has taken it back from a worker that is lost, and we hear of that only now.
    if (request.phase != Phase::waiting) close(request.generation);
    if (request.was_sent) {  // another worker was to try again, what was streamed to the first
        return tell(core::RunFailed{
            generation, id,
            base::fail(Errc::worker_lost,
                       "the worker of the model ended while the request was streamed to it, and"
                       " that cannot be done a second time; send it again")});
    }
    request.generation = generation;
    request.place = std::move(place);
    request.place.port = worker->second.address.port;
    request.place.socket = worker->second.address.socket;
    if (worker->second.begun < worker->second.concurrency) {
        return begin(request, worker->second);
    }
    request.phase = Phase::queued;
    worker->second.queue.push_back(id);
}

void Forwards::begin(Request& request, Worker& worker) {
    request.phase = Phase::begun;
    ++worker.begun;
    request.hooks.begin(request.place);
}

void Forwards::recall(core::RequestId id) {
    const auto request = requests_.find(id);
    if (request == requests_.end() || request->second.phase == Phase::waiting) return;
    const bool is_recalled = request->second.phase == Phase::queued;
    const core::Generation generation = request->second.generation;
    if (is_recalled) leave(id, request->second);
    tell(core::RunRecalled{generation, id, is_recalled});
}

void Forwards::cancel(core::RequestId id) {
    const auto request = requests_.find(id);
    if (request == requests_.end()) return;
    if (request->second.phase == Phase::begun) return request->second.hooks.stop();
    if (request->second.phase == Phase::waiting) return;
    const core::Generation generation = request->second.generation;
    leave(id, request->second);
    tell(core::RunFailed{generation, id,
                         base::fail(Errc::cancelled, "the request was ended before it began")});
}

void Forwards::respond(core::RequestId id, const std::optional<core::Error>& error) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    found->second.is_answered = true;
    http::ForwardHooks& hooks = found->second.hooks;
    if (error) hooks.fail("r" + std::to_string(id.value), *error);
    if (found->second.phase == Phase::waiting) requests_.erase(found);
}

// Gives its place to who waits for one.
void Forwards::leave(core::RequestId id, Request& request) {
    const Phase before = std::exchange(request.phase, Phase::waiting);
    const bool is_answered = request.is_answered;
    const auto worker = workers_.find(request.generation);
    if (is_answered) requests_.erase(id);
    if (worker == workers_.end()) return;
    Worker& place = worker->second;
    if (before == Phase::queued) std::erase(place.queue, id);
    if (before != Phase::begun) return;
    --place.begun;
    if (place.queue.empty()) return;
    const core::RequestId next = place.queue.front();
    place.queue.pop_front();
    begin(requests_.at(next), place);
}

void Forwards::started(core::RequestId id) {
    const auto request = requests_.find(id);
    if (request == requests_.end() || request->second.phase != Phase::begun) return;
    request->second.was_sent = true;
    handle_(core::RunStarted{request->second.generation, id});
}

// What comes from a program is a sign of life of all that it does: it may be silent on one stream
// because there is nothing to say.
void Forwards::moved(core::RequestId id, http::Mover mover) {
    const auto found = requests_.find(id);
    if (found == requests_.end() || found->second.phase != Phase::begun) return;
    if (loop_.now() < found->second.moved + kMovedPause) return;
    tell_moved(id, found->second);
    if (mover == http::Mover::client) return;
    for (auto& [other, request] : requests_) {
        const bool is_beside = request.phase == Phase::begun && other != id &&
                               request.generation == found->second.generation;
        if (is_beside) tell_moved(other, request);
    }
}

void Forwards::tell_moved(core::RequestId id, Request& request) {
    request.moved = loop_.now();
    tell(core::RunProgressed{request.generation, id});
}

void Forwards::ended(const http::ForwardPlace& place, const std::optional<core::Error>& error) {
    const core::RequestId id{place.request};
    const core::Generation generation{place.copy};
    const auto found = requests_.find(id);
    if (found == requests_.end() || found->second.phase != Phase::begun) return;
    if (found->second.generation != generation) return;  // that was an earlier try
    leave(id, found->second);
    if (error) return handle_(core::RunFailed{generation, id, *error});
    handle_(core::RunAnswered{generation, id});
}

}  // namespace windlass::daemon
