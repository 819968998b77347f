// The hidden `windlass doctor-check`: one check, which may hang or die of what it looks at.
#include <fmt/core.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>

#include "cli/commands.h"
#include "cli/doctor_checks.h"
#include "cli/doctor_diagnosis.h"

namespace windlass::cli {
namespace {

constexpr int kNotStartedByDoctor = 2;

void say_line(const std::string& line) {
    // If nobody reads any more, nobody needs to know.
    static_cast<void>(::write(STDOUT_FILENO, line.data(), line.size()));
}

// Starts a process that ends at once, says its number, and ends: an orphan, and soon dead.
int become_parent() {
    std::array<char, 32> program{"windlass"};
    std::array<char, 32> word{"doctor-check"};
    std::array<char, 32> child{"--child"};
    const std::array<char*, 4> argv{program.data(), word.data(), child.data(), nullptr};
    pid_t pid = -1;
    if (::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, argv.data(), ::environ) != 0) {
        return kNotStartedByDoctor;
    }
    say_line(fmt::format("{}\n", pid));
    return 0;
}

// False when the doctor is gone already.
bool follow_doctor(std::string_view text) {
    int doctor = 0;
    std::from_chars(text.data(), text.data() + text.size(), doctor);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    constexpr rlimit kNone = {.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &kNone);
    return ::getppid() == doctor;
}

}  // namespace

// NAME DOCTOR_PID LIMIT_MS CONFIGURATION [STATE_DIR]; an empty configuration is none given.
int run_doctor_check(int count, char* const* arguments) {
    const std::vector<std::string> words{arguments, arguments + count};
    if (words == std::vector<std::string>{"--child"}) return 0;
    if (words == std::vector<std::string>{"--parent"}) return become_parent();
    if (words.size() < 4 || !follow_doctor(words[1])) return kNotStartedByDoctor;
    const auto checks = doctor_checks();
    const auto check = std::ranges::find(checks, words[0], &DoctorCheck::name);
    if (check == checks.end()) return kNotStartedByDoctor;
    std::int64_t limit_ms = 0;
    std::from_chars(words[2].data(), words[2].data() + words[2].size(), limit_ms);
    DoctorView view = machine_view(std::chrono::milliseconds{limit_ms});
    view.is_configuration_given = !words[3].empty();
    if (view.is_configuration_given) view.configuration = words[3];
    if (words.size() > 4) view.state_dir = words[4];
    Report report{{.on_finding = [](const Finding& found) { say_line(finding_line(found)); },
                   .on_fact = [](const Fact& fact) { say_line(fact_line(fact)); }}};
    check->run(view, report);
    say_line(done_line());
    return 0;
}

}  // namespace windlass::cli
