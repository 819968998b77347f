// `windlass drill load`: many jobs from several clients at once; none is lost, none is done twice,
// and the daemon's numbers are those of the workers' own log.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "cli/drill_jobs.h"
#include "cli/drill_scripts.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;

namespace {

constexpr Bytes kSteel = 64_MiB;
constexpr std::size_t kClients = 8;

class Load {
  public:
    Load(Stage& stage, const JobDrillArguments& arguments)
        : jobs_(stage, "load", arguments.slack), count_(arguments.jobs) {}

    Result<Report> run() {
        WL_TRY(jobs_.open(
            copy_size(kSteel),
            {{.name = "steel",
              .size = kSteel,
              .keys = fmt::format("concurrency = 4\nqueue_limit = {}\n", 2 * count_ + 100)}}));
        WL_TRY(hand_over());
        std::vector<Given> given;
        given.reserve(acknowledged_.size());
        for (const auto& [key, id] : acknowledged_) given.push_back({.id = id, .name = key});
        WL_TRY(jobs_.see_done_once("jobs", given));
        WL_TRY(see_totals());
        jobs_.see_most("one copy", copy_size(kSteel));
        return jobs_.close();
    }

  private:
    // Each client hands its share over, and every tenth job once more, as after a lost answer.
    Result<void> hand_over() {
        const Duration begin = jobs_.stage().now();
        std::vector<Part*> clients;
        const std::size_t client_count = std::min(kClients, count_);
        clients.reserve(client_count);
        for (std::size_t i = 0; i < client_count; ++i)
            clients.push_back(WL_TRY(jobs_.daemon().start_submitter()));
        std::vector<std::vector<std::string>> lines(clients.size());
        std::size_t again = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            auto& own = lines[i % clients.size()];
            const std::string name = fmt::format("job-{}", i);
            own.push_back(fmt::format("steel {} {} busy 1", name, name));
            if (i % 10 != 0) continue;
            own.push_back(own.back());
            ++again;
        }
        const bool is_answered = jobs_.stage().wait_until(
            [&] { return feed(clients, lines) && answers_ == count_ + again; }, kStepLimit);
        for (Part* const client : clients) client->close_input();
        WL_TRY(jobs_.stage().check());
        std::set<std::string> ids;
        for (const auto& [key, id] : acknowledged_) ids.insert(id);
        jobs_.script().add(
            {.what = fmt::format("jobs acknowledged to {} clients", clients.size()),
             .expected = fmt::format("{}, and no more when {} come again", count_, again),
             .happened = fmt::format("{}{}", ids.size(), trouble_),
             .is_met = is_answered && acknowledged_.size() == count_ && ids.size() == count_ &&
                       trouble_.empty(),
             .after = jobs_.stage().now() - begin});
        return {};
    }

    // As much as each takes; what comes back is written down. True: all is handed out.
    bool feed(const std::vector<Part*>& clients, std::vector<std::vector<std::string>>& lines) {
        bool is_all = true;
        for (std::size_t i = 0; i < clients.size(); ++i) {
            // Few at a time, so that a line is never written in part.
            for (std::size_t n = 0; n < kAtOnce && !lines[i].empty(); ++n) {
                if (!clients[i]->write_line(lines[i].back())) break;
                lines[i].pop_back();
            }
            is_all = is_all && lines[i].empty();
            for (const std::string& line : clients[i]->take_lines()) note(line);
        }
        return is_all;
    }

    void note(const std::string& line) {
        ++answers_;
        const std::size_t space = line.find(' ');
        if (line.starts_with('!') || space == std::string::npos) {
            trouble_ = "; " + line;
            return;
        }
        const auto [entry, is_new] =
            acknowledged_.emplace(line.substr(0, space), line.substr(space + 1));
        if (!is_new && entry->second != line.substr(space + 1))
            trouble_ = fmt::format("; {} is two jobs", entry->first);
    }

    Result<void> see_totals() {
        const auto answer = jobs_.client().queue();
        std::string happened = answer ? "" : answer.error().message;
        bool is_met = false;
        if (answer) {
            const auto queues = WL_TRY(parse_queues(*answer));
            const QueueView& all = queues.front();
            const std::size_t ends = lines_of(jobs_.log(), "ended").size();
            const std::uint64_t pending = all.available + all.scheduled + all.held + all.running;
            happened = fmt::format("{} done, {} failed, {} not over; {} by the log", all.succeeded,
                                   all.failed + all.cancelled, pending, ends);
            is_met = all.succeeded == count_ && ends == count_ && pending == 0 &&
                     all.failed + all.cancelled == 0;
        }
        jobs_.script().add({.what = "totals of /api/queue",
                            .expected = fmt::format("{0} done, 0 failed, 0 not over; {0} by the "
                                                    "log",
                                                    count_),
                            .happened = std::move(happened),
                            .is_met = is_met});
        return {};
    }

    static constexpr std::size_t kAtOnce = 64;

    JobScript jobs_;
    std::size_t count_;
    std::size_t answers_ = 0;
    std::map<std::string, std::string> acknowledged_;  // key -> id
    std::string trouble_;
};

}  // namespace

Result<Report> run_load(Stage& stage, const JobDrillArguments& arguments) {
    return Load{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
