// `windlass top`: a screen that follows the daemon, or a line of JSON for each look.
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <windlass/client.h>

#include <array>
#include <chrono>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/overloaded.h"
#include "base/wall_time.h"
#include "cli/commands.h"
#include "cli/failure_text.h"
#include "cli/top_look.h"
#include "cli/top_screen.h"
#include "cli/top_state.h"
#include "cli/top_view.h"
#include "cli/top_watcher.h"

namespace windlass::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string time_text() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return base::utc_text(std::chrono::floor<std::chrono::milliseconds>(since_1970).count());
}

// --- JSON

bool print(const std::string& line) {
    return std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
           std::fflush(stdout) == 0;
}

// The beat does not shift by how long an answer takes; what was missed is left out.
void wait_until(Clock::time_point instant) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(instant - Clock::now());
    if (left.count() > 0) ::poll(nullptr, 0, static_cast<int>(left.count()));
}

CommandOutcome print_looks(const TopArguments& arguments) {
    Client client{{.url = arguments.url, .query_timeout = kAnswerLimit}};
    int exit_code = 0;
    for (std::uint64_t number = 1;; ++number) {
        const Clock::time_point began = Clock::now();
        const Outcome<TopBodies> bodies = ask_for_look(client);
        exit_code = bodies ? 0 : bodies.error().exit_code;
        const std::string line = bodies ? look_json(time_text(), arguments.url, *bodies)
                                        : trouble_json(time_text(), arguments.url, bodies.error());
        if (!print(line)) {
            return failed(base::fail(base::Errc::internal, "standard output cannot be written to"),
                          false);
        }
        if (arguments.count && number >= *arguments.count) return {.exit_code = exit_code};
        wait_until(began + arguments.interval);
    }
}

// --- the screen

bool wants_colour(const TopArguments& arguments) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before the thread starts, and nobody sets variables
    const char* const forbidden = std::getenv("NO_COLOR");  // no-color.org: not empty
    return !arguments.no_colour && (forbidden == nullptr || *forbidden == '\0');
}

const Glyphs& glyphs_of_locale() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before the thread starts
    const bool is_known = std::setlocale(LC_CTYPE, "") != nullptr;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before the thread starts
    const bool is_unicode = is_known && std::string_view{nl_langinfo(CODESET)} == "UTF-8";
    return is_unicode ? unicode_glyphs() : ascii_glyphs();
}

// From now on they are read instead of ending the process, so that the terminal is given back.
int catch_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return ::signalfd(-1, &set, SFD_CLOEXEC);
}

class Session {
  public:
    Session(const TopArguments& arguments, TopWatcher& watcher, TopScreen& screen)
        : arguments_(arguments),
          watcher_(watcher),
          screen_(screen),
          state_(arguments.url, arguments.interval) {}

    // Returns when the user, a signal or --count ends it.
    void run(int signals, const Glyphs& glyphs) {
        while (!is_over_) {
            state_.set_page(page_of(screen_.size()));
            screen_.show(draw(state_, screen_.size(), glyphs));
            std::array<pollfd, 3> ready{
                {{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                 {.fd = watcher_.descriptor(), .events = POLLIN, .revents = 0},
                 {.fd = signals, .events = POLLIN, .revents = 0}}};
            // An interruption is a new size, which comes as a key.
            if (::poll(ready.data(), ready.size(), -1) < 0) ready = {};
            if (ready[1].revents != 0) take_news();
            take_keys();
            // A terminal that is gone can be read, and has nothing.
            if (ready[2].revents != 0 || (ready[0].revents & (POLLHUP | POLLERR)) != 0) return;
        }
    }

  private:
    void take_news() {
        for (TopNews& news : watcher_.take()) {
            std::visit(base::Overloaded{
                           [&](TopLook& look) {
                               state_.take(std::move(look));
                               ++look_count_;
                           },
                           [&](TopTrouble& trouble) {
                               state_.fail(std::move(trouble.message));
                               ++look_count_;
                           },
                           [&](TopKilled& killed) { state_.say(std::move(killed.message)); },
                       },
                       news);
        }
        if (arguments_.count && look_count_ >= *arguments_.count) is_over_ = true;
    }

    void take_keys() {
        while (const auto key = screen_.take_key()) {
            switch (state_.handle(*key)) {
                case TopAct::none: break;
                case TopAct::quit: is_over_ = true; return;
                case TopAct::kill:
                    if (const auto& target = state_.target()) watcher_.kill(target->worker);
                    break;
                case TopAct::set_interval: watcher_.set_interval(state_.interval()); break;
            }
        }
    }

    const TopArguments& arguments_;
    TopWatcher& watcher_;
    TopScreen& screen_;
    TopState state_;
    std::uint64_t look_count_ = 0;
    bool is_over_ = false;
};

base::Result<void> show(const TopArguments& arguments) {
    const Glyphs& glyphs = glyphs_of_locale();
    const int signals = catch_signals();
    auto watcher = WL_TRY(TopWatcher::start(arguments.url, arguments.interval));
    auto screen = WL_TRY(TopScreen::open(wants_colour(arguments)));
    Session{arguments, watcher, screen}.run(signals, glyphs);
    return {};
}

}  // namespace

CommandOutcome run(const TopArguments& arguments) {
    if (arguments.json) return print_looks(arguments);
    const base::Result<void> shown = show(arguments);
    return shown ? CommandOutcome{} : failed(shown.error(), false);
}

}  // namespace windlass::cli
