// Loads at the start what is to be there before it is asked for, and says what is not there yet.
// Thread: main.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
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

    // What could not be loaded is tried again: its device may be in use, or sick.
    static constexpr base::Duration kRetryAfter = std::chrono::seconds{10};

    // `loop` outlives it.
    Preloads(io::Loop& loop, Order order, base::Duration retry_after = kRetryAfter);

    void start(const std::vector<std::string>& models);

    // The first of those that have not been ready since. None: all were.
    std::optional<http::Unready> unready() const;

  private:
    // Why its last load failed; none: it is the first.
    using Failure = std::optional<base::Error>;

    void try_again();
    void load(const std::string& model);
    void on_reply(const std::string& model, const base::Result<http::ModelStatus>& result);

    const Order order_;
    const base::Duration retry_after_;
    std::map<std::string, Failure> missing_;
    std::vector<std::string> failed_;  // of these, those that are to be tried again
    io::Timer retry_;
};

}  // namespace windlass::daemon
