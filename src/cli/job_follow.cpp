// Asks again and again; the daemon answers at once when the job is over.
#include "cli/job_follow.h"

#include <fmt/core.h>
#include <poll.h>

#include <chrono>
#include <cstdio>

#include "cli/job_text.h"
#include "cli/progress_meter.h"
#include "cli/terminal_line.h"

namespace windlass::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Between two looks, unless the job is over before: for a line that changes, for lines, for nobody.
constexpr auto kTerminalWait = 500ms;
constexpr auto kLinesWait = 1s;
constexpr auto kQuietWait = 30s;
constexpr auto kLinePause = 5s;          // between two lines about the same attempt and phase
constexpr auto kReconnectPause = 300ms;  // there is nothing to wait on while no daemon is there

void print(const std::string& line) {
    std::fputs((line + "\n").c_str(), stderr);
    std::fflush(stderr);
}

class Display {
  public:
    explicit Display(Following how)
        : is_quiet_(how == Following::quietly), is_terminal_(!is_quiet_ && stderr_is_terminal()) {}
    ~Display() { clear(); }
    Display(const Display&) = delete;
    Display& operator=(const Display&) = delete;

    std::chrono::nanoseconds wait() const {
        return is_quiet_ ? kQuietWait : is_terminal_ ? kTerminalWait : kLinesWait;
    }

    void show(const JobView& job) {
        if (is_quiet_) return;
        const Clock::time_point now = Clock::now();
        meter_.take(job, std::chrono::duration<double>(now.time_since_epoch()).count());
        const std::string line = job_line(job);
        const std::string progress =
            job.state == "running" ? progress_text(job, meter_) : std::string{};
        const std::string text = progress.empty() ? line : line + ": " + progress;
        if (is_terminal_) {
            rewrite_line(text);
            is_shown_ = true;
            return;
        }
        const bool is_other = line != last_line_ || job.phase != last_phase_;
        if (!is_other && (text == last_text_ || now < next_line_)) return;
        last_line_ = line;
        last_phase_ = job.phase;
        last_text_ = text;
        next_line_ = now + kLinePause;
        print(text);
    }

    void tell_missing(const std::string& id) {
        clear();
        print(fmt::format(
            "windlass: the daemon is gone; waiting for one ({} is kept; Ctrl-C ends this)", id));
    }

  private:
    void clear() {
        if (is_shown_) rewrite_line("");
        is_shown_ = false;
    }

    const bool is_quiet_;
    const bool is_terminal_;
    bool is_shown_ = false;
    ProgressMeter meter_;
    std::string last_line_;
    std::string last_phase_;
    std::string last_text_;
    Clock::time_point next_line_ = {};
};

bool may_change(const Failure& failure) {
    return failure.type == "unavailable" || failure.type == "timeout";
}

}  // namespace

Outcome<FollowedJob> follow_job(Client& client, const std::string& id, Following how) {
    Display display{how};
    std::chrono::nanoseconds wait{};  // first what is, then what comes
    bool has_answered = false;
    bool is_missing = false;
    for (;;) {
        auto answer = client.job(id, wait);
        if (answer) {
            const auto job = parse_job(*answer);
            if (!job) {
                return std::unexpected(
                    Failure{.type = "data_corrupt", .message = job.error().message});
            }
            display.show(*job);
            if (job->is_over()) return FollowedJob{.job = *job, .json = std::move(*answer)};
            wait = display.wait();
            has_answered = true;
            is_missing = false;
            continue;
        }
        if (!has_answered || !may_change(answer.error())) {
            return std::unexpected(std::move(answer.error()));
        }
        if (!std::exchange(is_missing, true)) display.tell_missing(id);
        ::poll(nullptr, 0, static_cast<int>(kReconnectPause / 1ms));
    }
}

}  // namespace windlass::cli
