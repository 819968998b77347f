// `windlass tag-search`: passes through /proc in a process that may be killed at any time.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <string_view>

#include "worker/tag_position.h"
#include "worker/tag_search.h"
#include "worker/tagged_processes.h"

namespace windlass::worker {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// How long a pass waits for those that it killed before the next one looks again.
constexpr base::Duration kSearchPatience = 20ms;
// Between two passes that found nobody.
constexpr base::Duration kSearchPause = 1ms;
// Whoever started it has given it up long before.
constexpr base::Duration kSearchLifeMax = 60s;

// Waits until they are dead, or the patience is over.
void wait_for_deaths(const std::vector<KilledProcess>& killed) {
    const Clock::time_point deadline =
        Clock::now() + (killed.empty() ? kSearchPause : kSearchPatience);
    std::vector<pollfd> ends;
    ends.reserve(killed.size());
    for (const KilledProcess& process : killed) {
        // A negative number, of one without a descriptor, is ignored by poll(2).
        ends.push_back({.fd = process.pidfd.number(), .events = POLLIN, .revents = 0});
    }
    do {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        ::poll(ends.data(), ends.size(), std::max(0, static_cast<int>(left.count())));
        for (pollfd& end : ends) {
            if (end.revents != 0) end.fd = -1;
        }
    } while (Clock::now() < deadline &&
             (ends.empty() || std::ranges::any_of(ends, [](auto& end) { return end.fd >= 0; })));
}

int number_of(std::string_view text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

void report_killed(const std::vector<KilledProcess>& killed) {
    std::string lines;
    for (const KilledProcess& process : killed) lines += std::to_string(process.pid) + '\n';
    // If nobody reads any more, nobody needs to know; the killing goes on.
    static_cast<void>(::write(kKilledDescriptor, lines.data(), lines.size()));
}

}  // namespace

TagPosition read_position(int descriptor) {
    TagPosition position;
    const ssize_t size = ::pread(descriptor, &position, sizeof position, 0);
    return size == sizeof position ? position : TagPosition{};
}

void write_position(int descriptor, const TagPosition& position) {
    static_cast<void>(::pwrite(descriptor, &position, sizeof position, 0));
}

int run_tag_search(std::span<char* const> arguments) {
    if (arguments.size() < 2) return 2;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    ::prctl(PR_SET_NAME, "windlass-search", 0, 0, 0);
    std::signal(SIGPIPE, SIG_IGN);
    TagPosition position;
    TagSweep sweep{.tag = arguments[0], .skipped = {}, .on_look = [&position](pid_t pid) {
                       ++position.look_count;
                       position.pid = pid;
                       write_position(kPositionDescriptor, position);
                   }};
    for (const char* const pid : arguments.subspan(2)) sweep.skipped.insert(number_of(pid));
    const int empty_passes_wanted = number_of(arguments[1]);
    const Clock::time_point deadline = Clock::now() + kSearchLifeMax;
    for (int empty_passes = 0; empty_passes < empty_passes_wanted;) {
        if (Clock::now() >= deadline) return 1;
        const SweepOutcome outcome = kill_tagged(sweep);
        report_killed(outcome.killed);
        const bool is_empty = outcome.killed.empty() && !outcome.is_blind;
        empty_passes = is_empty ? empty_passes + 1 : 0;
        if (empty_passes < empty_passes_wanted) wait_for_deaths(outcome.killed);
    }
    return 0;
}

}  // namespace windlass::worker
