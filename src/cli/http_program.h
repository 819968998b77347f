// The model behind `windlass http-program`: a program of the user's that serves HTTP and knows
// nothing of Windlass. Starts it, waits until it is ready, and ends with it.
#pragma once

#include <windlass/http_endpoint.h>
#include <windlass/worker.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/http_child.h"

namespace windlass::cli {

struct HttpProgramSettings {
    std::string ready;                   // path that answers 2xx as soon as it can serve
    std::string offload = {};            // path that is posted to; empty: it stays on its device
    std::string restore = {};            // likewise; given with `offload`
    base::Duration grace{};              // from SIGTERM to SIGKILL
    std::vector<std::string> command{};  // its words; the program first
};

base::Result<HttpProgramSettings> parse_http_program(const std::vector<std::string>& words);

// Thread: as the worker SDK calls a model.
class HttpProgram {
  public:
    explicit HttpProgram(HttpProgramSettings settings) : settings_(std::move(settings)) {}

    // Returns when it is ready, or has ended before that. The daemon limits the wait.
    worker::Outcome<void> start();
    void stop();
    // Errors: what the program answers other than 2xx, or that it does not answer.
    worker::Outcome<void> offload() { return post(settings_.offload); }
    worker::Outcome<void> restore() { return post(settings_.restore); }

    const worker::HttpAddress& address() const { return address_; }

  private:
    worker::Outcome<void> choose_address();
    std::vector<std::string> filled_command() const;
    std::string url() const;
    worker::Outcome<void> wait_until_ready();
    worker::Outcome<void> post(const std::string& path);

    HttpProgramSettings settings_;
    worker::HttpAddress address_;
    std::unique_ptr<HttpChild> child_;
};

}  // namespace windlass::cli
