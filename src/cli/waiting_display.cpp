// The one thread of the command line: the client library blocks, so nobody else could look.
#include "cli/waiting_display.h"

#include <windlass/client.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "cli/model_text.h"
#include "cli/terminal_line.h"

namespace windlass::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kInterval = std::chrono::milliseconds{500};
constexpr auto kPatience = std::chrono::seconds{2};  // for one question

}  // namespace

class WaitingDisplay::Watcher {
  public:
    Watcher(std::string url, std::string model)
        : thread_([this, url = std::move(url), model = std::move(model)](
                      const std::stop_token& stop) { watch(stop, url, model); }) {}

  private:
    void watch(const std::stop_token& stop, const std::string& url, const std::string& model) {
        const Clock::time_point begin = Clock::now();
        Client client{{.url = url, .query_timeout = kPatience}};
        std::mutex mutex;
        std::unique_lock lock{mutex};
        std::condition_variable_any woken;
        bool shown = false;
        const auto never = [] { return false; };
        while (!stop.stop_requested()) {
            woken.wait_for(lock, stop, kInterval, never);
            if (stop.stop_requested()) break;
            const auto json = client.model(model);
            const auto state = json ? parse_model(*json) : base::Result<ModelState>{base::Error{}};
            if (!state || stop.stop_requested()) continue;
            rewrite_line(waiting_text(*state, Clock::now() - begin));
            shown = true;
        }
        if (shown) rewrite_line("");
    }

    std::jthread thread_;
};

WaitingDisplay::WaitingDisplay(std::string url, std::string model) {
    if (!stderr_is_terminal()) return;
    watcher_ = std::make_unique<Watcher>(std::move(url), std::move(model));
}

WaitingDisplay::~WaitingDisplay() = default;

}  // namespace windlass::cli
