// `windlass events`: what happened, and what happens for as long as somebody looks.
#include <fmt/core.h>
#include <poll.h>
#include <windlass/client.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/commands.h"
#include "cli/event_json.h"
#include "cli/failure_text.h"

namespace windlass::cli {
namespace {

using namespace std::chrono_literals;

// There is nothing to wait on while no daemon is there: hence the pauses.
constexpr auto kReconnectPause = 300ms;

std::string with(const std::string& query, std::string_view name, std::uint64_t value) {
    return fmt::format("{}{}{}={}", query, query.empty() ? "" : "&", name, value);
}

// At once, for whoever reads from a pipe. False: nobody does any more.
bool print(std::FILE* file, const std::string& line) {
    return std::fputs((line + "\n").c_str(), file) >= 0 && std::fflush(file) == 0;
}

class Follower {
  public:
    explicit Follower(const EventsArguments& arguments)
        : arguments_(arguments),
          client_{{.url = arguments.url}},
          reader_{{.on_event = [this](const EventState& event) { show(event); },
                   .on_gap = [this](auto after, auto next) { tell_gap(after, next); },
                   .on_end = [](const auto&, const std::string&) {}}} {}

    // First what there is, then what comes. Returns when that is all, when nobody reads any more,
    // or when the daemon was never there.
    std::optional<Failure> run() {
        if (const auto failure = list()) return failure;
        while (arguments_.follow && is_read_) {
            if (const auto failure = follow()) return failure;
        }
        return std::nullopt;
    }

  private:
    std::optional<Failure> list() {
        const bool is_all = !arguments_.since.empty();
        const std::uint64_t page = is_all ? 1'000 : arguments_.limit;
        std::string query = with(arguments_.query, "limit", page);
        if (is_all) query += "&since=" + arguments_.since;
        while (is_read_) {
            const Outcome<std::string> answer = client_.events(query);
            if (!answer) return answer.error();
            const base::Result<EventList> events = parse_events(*answer);
            if (!events) return as_failure(events.error());
            for (const EventState& event : events->events) show(event);
            last_ = events->last;
            const std::uint64_t next = events->next.value_or(0);
            if (next == 0 || !is_all) break;
            query = with(with(arguments_.query, "limit", page), "after", next);
        }
        return std::nullopt;
    }

    // Until the connection ends. What cannot be otherwise the next time ends the command.
    std::optional<Failure> follow() {
        reader_.restart();
        const Outcome<void> end =
            client_.follow_events(with(arguments_.query, "after", last_), [this](auto piece) {
                is_missing_ = false;
                reader_.feed(piece);
                return is_read_;
            });
        if (!is_read_) return std::nullopt;
        const bool may_change =
            end || end.error().type == "unavailable" || end.error().type == "timeout";
        if (!may_change) return end.error();
        if (!end && !is_missing_) {
            is_missing_ = true;
            print(stderr, "windlass: the daemon is gone; waiting for one (Ctrl-C ends this)");
        }
        ::poll(nullptr, 0, static_cast<int>(std::chrono::milliseconds{kReconnectPause}.count()));
        return std::nullopt;
    }

    void show(const EventState& event) {
        if (event.number) last_ = std::max(last_, *event.number);
        is_read_ = is_read_ && print(stdout, arguments_.json ? event.json : event.text);
    }

    // Not an event, but who reads must know; to stderr, for stdout is for programs.
    void tell_gap(std::uint64_t after, std::uint64_t next) {
        last_ = next == 0 ? 0 : next - 1;
        print(stderr, fmt::format("windlass: the events above {} and below {} cannot be had; they "
                                  "are deleted, or of another daemon's file",
                                  after, next));
    }

    static Failure as_failure(const base::Error& error) {
        return {.type = std::string{base::traits(error.code).name}, .message = error.message};
    }

    const EventsArguments& arguments_;
    Client client_;
    EventStreamReader reader_;
    std::uint64_t last_ = 0;
    bool is_read_ = true;
    bool is_missing_ = false;  // the daemon, and that was told
};

}  // namespace

CommandOutcome run(const EventsArguments& arguments) {
    const auto failure = Follower{arguments}.run();
    if (failure) return failed(*failure, arguments.json);
    return {};
}

}  // namespace windlass::cli
