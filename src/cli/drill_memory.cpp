// `windlass drill memory`: more models than fit take turns on a device. All of their jobs are done,
// nobody runs out of memory, and each that goes gives back every byte.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "cli/drill_jobs.h"
#include "cli/drill_scripts.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Duration;
using base::Result;
using base::operator""_MiB;

namespace {

// An emulated device has 1 GiB to spare beyond what a drill says it takes: too little for another.
constexpr Bytes kEach = 1792_MiB;
constexpr std::array kModels = {"steel", "copper", "tin"};
constexpr std::size_t kRounds = 3;
constexpr std::size_t kJobs = 3;  // of each model in each round

class Memory {
  public:
    Memory(Stage& stage, const JobDrillArguments& arguments)
        : jobs_(stage, "memory", arguments.slack) {}

    Result<Report> run() {
        std::vector<ModelWish> wishes;
        wishes.reserve(kModels.size());
        for (const char* const model : kModels) {
            wishes.push_back({.name = model, .size = kEach, .keys = "max_wait = \"1s\"\n"});
        }
        WL_TRY(jobs_.open(most(), wishes));
        for (std::size_t round = 0; round < kRounds; ++round) {
            std::vector<Given> given;
            for (const char* const model : kModels) {
                for (Given& job : WL_TRY(
                         jobs_.submit(model, fmt::format("{}-{}", model, round), kJobs, "busy 20")))
                    given.push_back(std::move(job));
            }
            WL_TRY(jobs_.see_done_once(
                fmt::format("jobs of {} models, round {}", kModels.size(), round + 1), given));
        }
        see_turns();
        see_copies();
        jobs_.see_most("one copy beside the contexts of two", most());
        WL_TRY(see_empty());
        return jobs_.close();
    }

  private:
    // Those that have left the device for host memory keep their processes.
    static Bytes most() {
        const Bytes contexts{context_guess(false).count() * (kModels.size() - 1)};
        return copy_size(kEach) + contexts;
    }

    // Each round needs all of them, so that at least two come anew.
    void see_turns() {
        const std::vector<LogLine> lines = jobs_.log();
        std::size_t turns = 0;
        int last = 0;
        for (const LogLine& line : lines_of(lines, "began")) {
            if (line.pid != last) ++turns;
            last = line.pid;
        }
        const std::size_t refused = lines_of(lines, "refused").size();
        const std::size_t turns_min = 1 + kRounds * (kModels.size() - 1);
        jobs_.script().add({.what = "turns, by the log",
                            .expected = fmt::format("{} or more", turns_min),
                            .happened = count_text(turns),
                            .is_met = turns >= turns_min});
        jobs_.script().add({.what = "loads and runs that were out of memory",
                            .expected = "0",
                            .happened = count_text(refused),
                            .is_met = refused == 0});
    }

    void see_copies() {
        std::size_t copies = 0;
        for (const Look& look : jobs_.script().observer().looks())
            copies = std::max(copies, copies_of(look, {jobs_.daemon().pid()}, kEach).size());
        jobs_.script().add({.what = "most copies on the device at any moment, by the driver",
                            .expected = "1",
                            .happened = count_text(copies),
                            .is_met = copies == 1});
    }

    // Those that are told to go while the daemon lives on leave nothing.
    Result<void> see_empty() {
        const Duration begin = jobs_.stage().now();
        for (const char* const model : kModels) {
            const auto gone = jobs_.client().unload(model, kStepLimit / 6);
            if (!gone) return base::fail(base::Errc::unavailable, gone.error().message);
        }
        const auto used = [this] {
            return jobs_.script().device().ledger_used().value_or(Bytes{});
        };
        const bool is_empty =
            jobs_.stage().wait_until([&] { return used() == Bytes{}; }, kStepLimit / 6);
        WL_TRY(jobs_.stage().check());
        jobs_.script().add({.what = "in use once all are unloaded, by the emulator's ledger",
                            .expected = "0 B",
                            .happened = base::to_text(used()),
                            .is_met = is_empty,
                            .after = jobs_.stage().now() - begin});
        return {};
    }

    JobScript jobs_;
};

}  // namespace

Result<Report> run_memory(Stage& stage, const JobDrillArguments& arguments) {
    return Memory{stage, arguments}.run();
}

}  // namespace windlass::cli::drill
