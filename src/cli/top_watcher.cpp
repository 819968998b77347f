// The client library blocks, so nobody else could look.
#include "cli/top_watcher.h"

#include <fmt/core.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

namespace windlass::cli {

class TopWatcher::Thread {
  public:
    Thread(std::string url, base::Duration interval, int bell)
        : interval_(interval),
          bell_(bell),
          thread_([this, url = std::move(url)](const std::stop_token& stop) { watch(stop, url); }) {
    }
    ~Thread() {
        thread_.request_stop();
        thread_.join();
        ::close(bell_);
    }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    int bell() const { return bell_; }

    std::vector<TopNews> take() {
        std::uint64_t count = 0;
        // It is not empty, or there is nothing to take.
        [[maybe_unused]] const ssize_t done = ::read(bell_, &count, sizeof count);
        const std::lock_guard lock{mutex_};
        return std::exchange(news_, {});
    }
    void set_interval(base::Duration interval) {
        const std::lock_guard lock{mutex_};
        interval_ = interval;
        woken_.notify_all();
    }
    void kill(std::uint64_t worker) {
        const std::lock_guard lock{mutex_};
        kills_.push_back(worker);
        woken_.notify_all();
    }

  private:
    void watch(const std::stop_token& stop, const std::string& url) {
        Client client{{.url = url, .query_timeout = kAnswerLimit}};
        std::unique_lock lock{mutex_};
        while (!stop.stop_requested()) {
            const std::vector<std::uint64_t> kills = std::exchange(kills_, {});
            lock.unlock();
            for (const std::uint64_t worker : kills) tell(killed(client, worker));
            tell(look(client));
            lock.lock();
            // A change of the interval counts from now on.
            const base::Duration interval = interval_;
            woken_.wait_for(lock, stop, interval,
                            [&] { return !kills_.empty() || interval_ != interval; });
        }
    }

    static TopNews look(Client& client) {
        const Outcome<TopBodies> bodies = ask_for_look(client);
        if (!bodies) return TopTrouble{bodies.error().message};
        base::Result<TopLook> look = parse_look(*bodies);
        if (!look) return TopTrouble{look.error().message};
        return std::move(*look);
    }

    static TopNews killed(Client& client, std::uint64_t worker) {
        const Outcome<std::string> answer = client.kill_worker(worker);
        if (!answer) return TopKilled{answer.error().message};
        return TopKilled{fmt::format("worker {} is being killed", worker)};
    }

    void tell(TopNews news) {
        {
            const std::lock_guard lock{mutex_};
            news_.push_back(std::move(news));
        }
        const std::uint64_t one = 1;
        // Only a full counter could refuse it, and that is readable, too.
        [[maybe_unused]] const ssize_t done = ::write(bell_, &one, sizeof one);
    }

    std::mutex mutex_;  // guards the next three
    base::Duration interval_;
    std::vector<std::uint64_t> kills_;
    std::vector<TopNews> news_;
    std::condition_variable_any woken_;
    const int bell_;
    std::jthread thread_;  // last: it uses all of the above
};

base::Result<TopWatcher> TopWatcher::start(std::string url, base::Duration interval) {
    const int bell = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell < 0) {
        return base::fail(base::Errc::internal,
                          fmt::format("there is no descriptor left to watch the daemon with: {}; "
                                      "raise the limit (`ulimit -n`)",
                                      std::generic_category().message(errno)));
    }
    return TopWatcher{std::make_unique<Thread>(std::move(url), interval, bell)};
}

TopWatcher::TopWatcher(std::unique_ptr<Thread> thread) : thread_(std::move(thread)) {}
TopWatcher::~TopWatcher() = default;
TopWatcher::TopWatcher(TopWatcher&& other) noexcept = default;

int TopWatcher::descriptor() const { return thread_->bell(); }
std::vector<TopNews> TopWatcher::take() { return thread_->take(); }
void TopWatcher::set_interval(base::Duration interval) { thread_->set_interval(interval); }
void TopWatcher::kill(std::uint64_t worker) { thread_->kill(worker); }

}  // namespace windlass::cli
