// Loads at the start what is to be there before it is asked for, and says what is not there yet.
// Thread: main.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "http/api.h"
#include "io/loop.h"
#include "io/timer.h"

namespace windlass::daemon {

class Preloads {
  public:
    // Orders a load and calls back when it is over, perhaps before it returns.
    using Order = std::function<void(const std::string& model, http::ModelReply)>;

    // What could not be loaded is tried again: its device may be in use, or sick. Each try of a
    // model waits twice as long as the one before, because an order ends the back-off that the
    // model has itself: one that always falls over would be started for ever.
    struct Pauses {
        base::Duration first = std::chrono::seconds{10};
        base::Duration max = std::chrono::minutes{5};
    };

    // `loop` outlives it.
    Preloads(io::Loop& loop, Order order) : Preloads(loop, std::move(order), Pauses{}) {}
    Preloads(io::Loop& loop, Order order, Pauses pauses);

    void start(const std::vector<std::string>& models);

    // The first of those that have not been ready since. None: all were.
    std::optional<http::Unready> unready() const;

  private:
    struct Missing {
        Missing(io::Loop& loop, std::function<void()> load, base::Duration first_pause)
            : pause(first_pause), retry(loop, std::move(load)) {}

        std::optional<base::Error> failure;  // of its last load; none: the first is not over
        base::Duration pause;                // after the next failure
        io::Timer retry;
    };

    void load(const std::string& model);
    void on_reply(const std::string& model, const base::Result<http::ModelStatus>& result);

    io::Loop& loop_;
    const Order order_;
    const Pauses pauses_;
    std::map<std::string, Missing> missing_;
};

}  // namespace windlass::daemon
