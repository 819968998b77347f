// Asks the daemon beside the screen, so that keys are answered while it is slow or away.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "cli/top_look.h"

namespace windlass::cli {

// A daemon has so long for one answer.
inline constexpr std::chrono::seconds kAnswerLimit{2};

struct TopTrouble {  // there was no look
    std::string message;
};
struct TopKilled {  // what came of kill()
    std::string message;
};
using TopNews = std::variant<TopLook, TopTrouble, TopKilled>;

// On a thread of its own. Its end waits for a question under way: at most kAnswerLimit.
class TopWatcher {
  public:
    // Errors: internal, where there are no descriptors left.
    static base::Result<TopWatcher> start(std::string url, base::Duration interval);
    ~TopWatcher();
    TopWatcher(const TopWatcher&) = delete;
    TopWatcher& operator=(const TopWatcher&) = delete;
    TopWatcher(TopWatcher&& other) noexcept;
    TopWatcher& operator=(TopWatcher&&) = delete;

    int descriptor() const;  // becomes readable with news
    std::vector<TopNews> take();
    void set_interval(base::Duration interval);
    void kill(std::uint64_t worker);

  private:
    class Thread;
    explicit TopWatcher(std::unique_ptr<Thread> thread);
    std::unique_ptr<Thread> thread_;
};

}  // namespace windlass::cli
