// Requests that a model's own HTTP answers: which of them have a place in which worker, and which
// wait there for one. To the engine they are runs like any other. Thread: main.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/event.h"
#include "http/api.h"
#include "io/loop.h"

namespace windlass::daemon {

class Forwards {
  public:
    // `handle` takes events to the engine; it is called from the loop only.
    Forwards(io::Loop& loop, std::function<void(const core::Event&)> handle)
        : loop_(loop), handle_(std::move(handle)) {}

    struct Address {
        std::uint16_t port = 0;
        std::string socket = {};
    };

    // A request arrived; from now on it is known here until it is answered and over.
    void add(core::RequestId request, http::ForwardHooks hooks);
    bool has(core::RequestId request) const { return requests_.contains(request); }

    // That worker serves there, so many requests at once.
    void open(core::Generation generation, Address address, std::uint32_t concurrency);
    void close(core::Generation generation);  // it is gone

    // The engine's commands. `place` without its address.
    void dispatch(core::Generation generation, http::ForwardPlace place);
    void recall(core::RequestId request);
    void cancel(core::RequestId request);
    void respond(core::RequestId request, const std::optional<core::Error>& error);

    // What http says of it.
    void started(core::RequestId request);
    void moved(core::RequestId request, http::Mover mover);
    void ended(const http::ForwardPlace& place, const std::optional<core::Error>& error);

  private:
    enum class Phase : std::uint8_t {
        waiting,  // in the engine's queue
        queued,   // sent to a worker that has no place for it yet
        begun,
    };
    struct Request {
        http::ForwardHooks hooks;
        http::ForwardPlace place = {};
        core::Generation generation = {};
        core::Instant moved = {};  // when the engine last heard of it
        Phase phase = Phase::waiting;
        bool was_sent = false;  // to a program, ever
        bool is_answered = false;
    };
    struct Worker {
        Address address;
        std::uint32_t concurrency = 1;
        std::uint32_t begun = 0;
        std::deque<core::RequestId> queue = {};
    };

    static void begin(Request& request, Worker& worker);
    void leave(core::RequestId id, Request& request);
    void tell(core::Event event);
    void tell_moved(core::RequestId id, Request& request);

    io::Loop& loop_;
    std::function<void(const core::Event&)> handle_;
    std::map<core::RequestId, Request> requests_;
    std::map<core::Generation, Worker> workers_;
};

}  // namespace windlass::daemon
