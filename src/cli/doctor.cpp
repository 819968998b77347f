// `windlass doctor`: starts each check as a process of its own, and puts together what they tell.
// Looks at nothing itself, so that nothing can hold it up.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "cli/commands.h"
#include "cli/doctor_checks.h"
#include "cli/doctor_diagnosis.h"
#include "io/lines.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/stream.h"
#include "worker/environment.h"

namespace windlass::cli {
namespace {

// One check while it runs.
class RunningCheck {
  public:
    RunningCheck(io::Loop& loop, const DoctorCheck& check, Diagnosis& diagnosis,
                 std::function<void()> on_over)
        : loop_(loop),
          check_(check),
          diagnosis_(diagnosis),
          on_over_(std::move(on_over)),
          lines_([this](const std::string& line) { is_done_ |= read_line(line, diagnosis_); }),
          limit_(loop, [this] { give_up(); }) {}

    void start(const DoctorArguments& arguments) {
        allowed_ = arguments.limit.value_or(check_.limit);
        limit_.start(allowed_);
        if (const auto spawned = spawn(arguments); !spawned) {
            fail(FindingKind::check_failed, spawned.error().message);
        }
    }

  private:
    base::Result<void> spawn(const DoctorArguments& arguments) {
        io::Pipe pipe = WL_TRY(io::make_pipe());
        // Drivers and Python write to stderr what is no line of ours.
        const io::Pipe nowhere = WL_TRY(io::make_pipe());
        const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(allowed_);
        std::vector<std::string> argv{"windlass",
                                      "doctor-check",
                                      std::string{check_.name},
                                      std::to_string(::getpid()),
                                      std::to_string(limit.count()),
                                      arguments.configuration.value_or("")};
        if (arguments.state_dir) argv.push_back(*arguments.state_dir);
        process_ = WL_TRY(
            io::Process::spawn(loop_,
                               {.executable = "/proc/self/exe",
                                .argv = argv,
                                .environment = worker::own_environment(),
                                .descriptors = {{.ours = pipe.write_end.number(), .theirs = 1},
                                                {.ours = nowhere.write_end.number(), .theirs = 2}}},
                               [this] { on_exit(); }));
        const auto take = [this](std::span<const char> bytes) { lines_.feed(bytes); };
        output_ = std::make_unique<io::Stream>(
            loop_, std::move(pipe.read_end),
            io::StreamHandlers{.on_data = take, .on_closed = [](const auto&) {}});
        return {};
    }

    void on_exit() {
        constexpr std::size_t kRestMax = 1 << 20;  // a pipe holds no more (fs.pipe-max-size)
        output_->drain(kRestMax);
        const io::ExitStatus status = process_->reap();
        if (is_done_) return finish();
        fail(FindingKind::check_failed,
             fmt::format("the check of {} {}", check_.name, io::to_text(status)));
    }

    // The process is killed with this object; one that hangs in the kernel dies when it can.
    void give_up() {
        fail(FindingKind::check_hung, fmt::format("the check of {} was not over after {}",
                                                  check_.name, base::to_text(allowed_)));
    }

    void fail(FindingKind kind, std::string evidence) {
        diagnosis_.findings.push_back({.kind = kind, .evidence = std::move(evidence)});
        finish();
    }

    void finish() {
        limit_.stop();
        on_over_();
    }

    io::Loop& loop_;
    const DoctorCheck& check_;
    Diagnosis& diagnosis_;
    std::function<void()> on_over_;
    io::LineSplitter lines_;
    bool is_done_ = false;
    base::Duration allowed_{};
    io::Timer limit_;
    std::unique_ptr<io::Stream> output_;
    std::unique_ptr<io::Process> process_;
};

std::vector<DoctorCheck> chosen_checks(const DoctorArguments& arguments) {
    std::vector<DoctorCheck> checks;
    for (const DoctorCheck& check : doctor_checks()) {
        const auto named = std::ranges::count(arguments.checks, check.name);
        if (arguments.checks.empty() || named > 0) checks.push_back(check);
    }
    return checks;
}

bool wants_colour() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const char* const refused = std::getenv("NO_COLOR");  // no-color.org
    return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0');
}

}  // namespace

CommandOutcome run(const DoctorArguments& arguments) {
    io::Loop loop;
    const base::Instant began = loop.now();
    const std::vector<DoctorCheck> checks = chosen_checks(arguments);
    std::vector<Diagnosis> parts(checks.size());
    std::size_t left = checks.size();
    std::vector<std::unique_ptr<RunningCheck>> running;
    for (std::size_t index = 0; index < checks.size(); ++index) {
        running.push_back(
            std::make_unique<RunningCheck>(loop, checks[index], parts[index], [&loop, &left] {
                if (--left == 0) loop.stop();
            }));
        running.back()->start(arguments);
    }
    while (left > 0) loop.run([](base::Instant) { return std::nullopt; });
    running.clear();
    Diagnosis whole;
    for (std::size_t index = 0; index < checks.size(); ++index) {
        whole.checks.emplace_back(checks[index].name);
        const Diagnosis& part = parts[index];
        whole.findings.insert(whole.findings.end(), part.findings.begin(), part.findings.end());
        whole.facts.insert(whole.facts.end(), part.facts.begin(), part.facts.end());
    }
    arrange(whole);
    whole.took = loop.now() - began;
    // What is found is no failure of the doctor: who wants to act on it reads the JSON.
    return {.out = arguments.json ? diagnosis_json(whole) : diagnosis_text(whole, wants_colour())};
}

}  // namespace windlass::cli
