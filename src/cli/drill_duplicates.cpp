// `windlass drill duplicates`: so many processes that each load the model, and then Windlass, which
// loads it once for as many clients.
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "cli/drill_json.h"
#include "cli/drill_script.h"
#include "cli/drill_scripts.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;

namespace {

constexpr std::size_t kMonitored = 10;  // concurrent requests, as in [A3.11]

std::string number(std::size_t count) { return fmt::format("{}", count); }

class Duplicates {
  public:
    Duplicates(Stage& stage, const DuplicatesArguments& arguments)
        : script_(stage, "duplicates"), stage_(stage), arguments_(arguments) {}

    Result<Report> run() {
        WL_TRY(script_.choose_device({.is_real = arguments_.is_real, .most = most()}));
        if (arguments_.mode != DuplicatesMode::monitor) WL_TRY(load_without());
        WL_TRY(load_with());
        return script_.take_report();
    }

  private:
    std::size_t clients() const {
        return arguments_.mode == DuplicatesMode::dev ? 1 : arguments_.clients;
    }

    // Everything that is held at the same time.
    Bytes most() const {
        const std::size_t copies = arguments_.mode == DuplicatesMode::monitor ? 1 : clients();
        const Bytes each = arguments_.model_size + context_guess(arguments_.is_real);
        return Bytes{each.count() * copies};
    }

    // As web workers that each load their own.
    Result<void> load_without() {
        const Duration begin = stage_.now();
        std::vector<Part*> holders;
        std::vector<int> pids;
        for (std::size_t i = 0; i < clients(); ++i) {
            holders.push_back(WL_TRY(stage_.start(
                "bare",
                {"ballast", "--hold", "--bytes", fmt::format("{}B", arguments_.model_size.count())},
                script_.device().bare_environment())));
            pids.push_back(holders.back()->pid());
        }
        const std::size_t loaded = count_answers(holders);
        const Duration after = stage_.now() - begin;
        const Look look = WL_TRY(script_.look());
        const auto copies = copies_of(look, pids, arguments_.model_size);
        script_.add(
            {.what = "copies without Windlass",
             .expected = number(clients()),
             .happened = number(copies.size()) +
                         (loaded < clients() ? "; " + first_trouble(holders) : script_.unnamed()),
             .is_met = copies.size() == clients(),
             .after = after});
        for (const Holding& copy : copies) bare_ = std::max(bare_.value_or(copy.bytes), copy.bytes);
        ask(holders);
        for (Part* const holder : holders) holder->close_input();
        WL_TRY(script_.see_memory_back("memory back after them"));
        script_.end_phase("without Windlass", begin);
        return {};
    }

    // Each says its pid once it has loaded, and in each answer.
    std::size_t count_answers(const std::vector<Part*>& holders) {
        std::set<int> answered;
        const auto all = [&] {
            bool is_over = true;
            for (Part* const holder : holders) {
                for (const std::string& line : holder->take_lines()) {
                    if (const auto pid = parse_pid(line)) answered.insert(*pid);
                }
                is_over = is_over && (answered.contains(holder->pid()) || holder->has_ended());
            }
            return is_over;
        };
        stage_.wait_until(all, kStepLimit);
        return answered.size();
    }

    static std::string first_trouble(const std::vector<Part*>& holders) {
        const auto ended = std::ranges::find_if(holders, [](Part* p) { return p->has_ended(); });
        return ended == holders.end() ? "some did not load in time" : (*ended)->last_words();
    }

    void ask(const std::vector<Part*>& holders) {
        for (Part* const holder : holders) holder->write_line("0");
        const std::size_t answered = count_answers(holders);
        script_.add({.what = "processes that answered",
                     .expected = number(holders.size()),
                     .happened = number(answered),
                     .is_met = answered == holders.size()});
    }

    Result<void> load_with() {
        const Duration begin = stage_.now();
        daemon_ = WL_TRY(DrillDaemon::make(stage_, script_.device(),
                                           {.model_size = arguments_.model_size,
                                            .is_real = arguments_.is_real,
                                            .port = arguments_.port}));
        const bool is_there =
            arguments_.port == 0 || daemon_->url().ends_with(fmt::format(":{}", arguments_.port));
        script_.add({.what = "daemon serves",
                     .expected = arguments_.port == 0 ? std::string{"on any port"}
                                                      : fmt::format("on port {}", arguments_.port),
                     .happened = daemon_->url(),
                     .is_met = is_there,
                     .after = stage_.now() - begin});
        if (arguments_.mode != DuplicatesMode::monitor) WL_TRY(serve("clients", clients()));
        if (arguments_.mode != DuplicatesMode::dev) WL_TRY(serve("requests", kMonitored));
        judge_memory(begin);
        WL_TRY(script_.end_daemon(*daemon_));
        script_.end_phase("with Windlass", begin);
        return {};
    }

    // So many at once; each must be answered by the one process that holds the model.
    Result<void> serve(const std::string& whom, std::size_t count) {
        const Duration begin = stage_.now();
        script_.set_told(daemon_->call(count, kStepLimit));
        const Duration after = stage_.now() - begin;
        const Look look = WL_TRY(script_.look());
        std::set<int> pids;
        std::set<std::uint64_t> generations;
        std::string failure;
        std::size_t answered = 0;
        for (const Told& told : script_.told()) {
            if (!told.failure.empty()) {
                failure = "; " + told.failure;
                continue;
            }
            ++answered;
            pids.insert(told.pid);
            generations.insert(told.copy);
        }
        script_.add({.what = fmt::format("{} answered at once", whom),
                     .expected = number(count),
                     .happened = number(answered) + failure,
                     .is_met = answered == count,
                     .after = after});
        see_one_copy(look, pids, generations.size());
        return {};
    }

    // The driver's list, the process table and what clients were told must be the same process.
    void see_one_copy(const Look& look, const std::set<int>& told, std::size_t generations) {
        std::set<int> listed;
        for (const Holding& copy : copies_of(look, {daemon_->pid()}, arguments_.model_size))
            listed.insert(copy.pid);
        script_.add({.what = "copies with Windlass, by the driver",
                     .expected = "1",
                     .happened = number(listed.size()) + script_.unnamed(),
                     .is_met = listed.size() == 1});
        see_the_same("workers, by the process table", daemon_->workers(), listed);
        see_the_same("workers, by `windlass workers`", daemon_->shown_workers(kStepLimit), listed);
        script_.add({.what = "pids and copies in the answers",
                     .expected = "1 and 1, the same",
                     .happened = fmt::format("{} and {}", told.size(), generations),
                     .is_met = told.size() == 1 && told == listed && generations == 1});
    }

    void see_the_same(const std::string& what, const std::set<int>& pids,
                      const std::set<int>& listed) {
        script_.add({.what = what,
                     .expected = "1, the same",
                     .happened = number(pids.size()) + (pids == listed ? "" : ", others"),
                     .is_met = pids.size() == 1 && pids == listed});
    }

    // At no moment more than one copy; and one client alone would need as much.
    void judge_memory(Duration begin) {
        const std::vector<Look>& looks = script_.observer().looks();
        std::size_t copies = 0;
        for (const Look& look : looks) {
            if (look.at < begin) continue;
            copies =
                std::max(copies, copies_of(look, {daemon_->pid()}, arguments_.model_size).size());
        }
        script_.add({.what = "most copies at any moment",
                     .expected = "1",
                     .happened = number(copies),
                     .is_met = copies == 1});
        if (!bare_) return;
        const Bytes context = *bare_ - std::min(*bare_, arguments_.model_size);
        const Bytes taken =
            high_water(looks, {"with Windlass", begin, stage_.now()}).value_or(Bytes{0});
        script_.add({.what = "most memory with Windlass",
                     .expected = fmt::format("at most one process's {} and a context, {}",
                                             base::to_text(*bare_), base::to_text(context)),
                     .happened = base::to_text(taken),
                     .is_met = taken <= *bare_ + context});
    }

    Script script_;
    Stage& stage_;
    const DuplicatesArguments& arguments_;
    std::unique_ptr<DrillDaemon> daemon_;
    std::optional<Bytes> bare_;  // what one process without Windlass has
};

}  // namespace

Result<Report> run_duplicates(Stage& stage, const DuplicatesArguments& arguments) {
    return Duplicates{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
