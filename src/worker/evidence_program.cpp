// `windlass evidence`: looks at a process that may hang, and says at once what it saw.
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "io/lines.h"
#include "io/read_file.h"
#include "worker/evidence.h"
#include "worker/evidence_lines.h"
#include "worker/evidence_stacks.h"

namespace windlass::worker {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kProcFileMax = 64 << 10;
// How long the worker's own handler may take, and how long its file must rest to be whole.
constexpr int kPythonRounds = 50;
constexpr int kPythonRestRounds = 3;
constexpr int kPythonRoundMs = 10;

struct SeenThread {
    pid_t id = 0;
    char state = '?';
};

void say_line(std::string line) {
    line += '\n';
    // If nobody reads any more, nobody needs to know.
    static_cast<void>(::write(STDOUT_FILENO, line.data(), line.size()));
}

void say_missing(std::string_view text) { say_line(fmt::format("missing\t{}", text)); }

// One line, without what could break the format.
std::string plain(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    for (char& character : text) {
        if (character == '\n' || character == '\t') character = ' ';
    }
    return text;
}

std::vector<pid_t> numbers_in(const std::string& folder) {
    std::vector<pid_t> numbers;
    std::error_code ended;
    for (fs::directory_iterator at{folder, ended}; !ended && at != fs::directory_iterator{};
         at.increment(ended)) {
        const std::string name = at->path().filename().string();
        pid_t number = 0;
        std::from_chars(name.data(), name.data() + name.size(), number);
        if (number > 0) numbers.push_back(number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

// The fields behind the name, which may hold anything: state, parent, group, session (proc(5)).
std::optional<std::string> stat_fields(const std::string& folder) {
    const std::string text = io::read_file(folder + "/stat", kProcFileMax).value_or("");
    const std::size_t name_end = text.rfind(") ");
    if (name_end == std::string::npos) return std::nullopt;
    return text.substr(name_end + 2);
}

// The worker leads its session; processes that left it are of no interest here.
std::vector<pid_t> processes_of_session(pid_t leader) {
    std::vector<pid_t> members{leader};
    for (const pid_t pid : numbers_in("/proc")) {
        const auto fields = stat_fields(fmt::format("/proc/{}", pid));
        if (!fields || pid == leader) continue;
        char state = 0;
        int parent = 0;
        int group = 0;
        int session = 0;
        // NOLINTNEXTLINE(cert-err34-c): numbers of the kernel's
        std::sscanf(fields->c_str(), "%c %d %d %d", &state, &parent, &group, &session);
        if (session == leader) members.push_back(pid);
    }
    return members;
}

void say_kernel_stack(const std::string& folder, pid_t thread) {
    const auto stack = io::read_file(folder + "/stack", kProcFileMax);
    if (!stack) {
        return say_missing(
            fmt::format("kernel stack of thread {}: {}", thread,
                        errno == EACCES || errno == EPERM ? "not permitted" : "not readable"));
    }
    io::LineSplitter lines{[&](const std::string& line) {
        say_line(fmt::format("kernel\t{}\t{}", thread, plain(line)));
    }};
    lines.feed(*stack);
    lines.finish();
}

std::vector<SeenThread> say_threads(pid_t process, std::size_t& room) {
    std::vector<SeenThread> threads;
    for (const pid_t thread : numbers_in(fmt::format("/proc/{}/task", process))) {
        if (room == 0) {
            say_missing(fmt::format("more than {} threads", kThreadsMax));
            break;
        }
        --room;
        const std::string folder = fmt::format("/proc/{}/task/{}", process, thread);
        const std::string fields = stat_fields(folder).value_or("?") + "?";
        const std::string channel = io::read_file(folder + "/wchan", kProcFileMax).value_or("?");
        const std::string name = io::read_file(folder + "/comm", kProcFileMax).value_or("?");
        say_line(fmt::format("thread\t{}\t{}\t{}\t{}\t{}", process, thread, fields.front(),
                             channel == "0" ? "" : plain(channel), plain(name)));
        say_kernel_stack(folder, thread);
        threads.push_back({.id = thread, .state = fields.front()});
    }
    return threads;
}

bool has_handler(pid_t process, int signal) {
    const std::string status =
        io::read_file(fmt::format("/proc/{}/status", process), kProcFileMax).value_or("");
    constexpr std::string_view kCaught = "\nSigCgt:\t";
    const std::size_t at = status.find(kCaught);
    if (at == std::string::npos) return false;
    const std::uint64_t mask = std::strtoull(status.c_str() + at + kCaught.size(), nullptr, 16);
    return (mask >> (signal - 1) & 1) != 0;
}

// faulthandler answers a signal from wherever the main thread is, without the interpreter's lock.
// Not sent to who does not expect it: it would be the end of it.
void say_python_stacks(pid_t process, const std::string& path) {
    std::error_code absent;
    if (!fs::exists(path, absent)) return;
    const int signal = SIGRTMAX - 3;  // STACKS_SIGNAL in python/windlass/worker.py
    if (!has_handler(process, signal) || ::kill(process, signal) != 0) {
        return say_missing("Python stacks: the worker does not take the signal for them");
    }
    std::string text;
    int resting = 0;
    for (int round = 0; round < kPythonRounds && resting < kPythonRestRounds; ++round) {
        ::poll(nullptr, 0, kPythonRoundMs);
        std::string now = io::read_file(path, kProcFileMax).value_or("");
        resting = !now.empty() && now.size() == text.size() ? resting + 1 : 0;
        text = std::move(now);
    }
    if (text.empty()) {
        return say_missing("Python stacks: the main thread did not take the signal for them");
    }
    io::LineSplitter lines{
        [](const std::string& line) { say_line(fmt::format("python\t{}", plain(line))); }};
    lines.feed(text);
    lines.finish();
}

void say_native_stacks(pid_t process, const std::vector<SeenThread>& threads) {
    std::vector<pid_t> able;
    for (const SeenThread& thread : threads) {
        // One that hangs in the kernel could not be stopped: that would hang us.
        if (thread.state == 'R' || thread.state == 'S' || thread.state == 't') {
            able.push_back(thread.id);
        } else if (thread.state == 'D') {
            say_missing(
                fmt::format("native stack of thread {}: it hangs in the kernel", thread.id));
        }
    }
    if (able.empty()) return;
    read_native_stacks(process, able,
                       {.on_frame =
                            [](pid_t thread, const std::string& frame) {
                                say_line(fmt::format("native\t{}\t{}", thread, plain(frame)));
                            },
                        .on_missing = [](const std::string& why) { say_missing(plain(why)); }});
}

}  // namespace

int run_evidence(std::span<char* const> arguments) {
    if (arguments.size() != 2) return 2;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    ::prctl(PR_SET_NAME, "windlass-evid", 0, 0, 0);
    const std::string_view number = arguments[0];
    pid_t leader = 0;
    std::from_chars(number.data(), number.data() + number.size(), leader);
    if (leader <= 0) return 2;
    std::size_t room = kThreadsMax;
    std::vector<std::vector<SeenThread>> threads;
    const std::vector<pid_t> processes = processes_of_session(leader);
    threads.reserve(processes.size());
    for (const pid_t process : processes) threads.push_back(say_threads(process, room));
    for (std::size_t index = 0; index < processes.size(); ++index) {
        say_native_stacks(processes[index], threads[index]);
    }
    // Last: the signal interrupts what the main thread waits for.
    say_python_stacks(leader, arguments[1]);
    return 0;
}

}  // namespace windlass::worker
