// Private folder, child processes, signals.
#include "cli/drill_stage.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <ranges>
#include <sstream>

#include "cli/body_text.h"
#include "io/read_file.h"
#include "io/signals.h"

namespace windlass::cli::drill {

using base::Errc;
using base::Result;

namespace {

constexpr int kPulseMs = 20;
// A daemon that ends its workers takes up to its `shutdown_grace`, 5 s, and a little more.
constexpr std::chrono::seconds kEndGrace{15};
constexpr std::chrono::seconds kKillGrace{5};
constexpr std::size_t kLogSizeMax = std::size_t{1} << 20;
constexpr std::size_t kProcSizeMax = std::size_t{64} << 10;

sigset_t interrupts() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
    return set;
}

bool has_group(int pid) { return ::kill(-pid, 0) == 0 || errno != ESRCH; }

}  // namespace

Variables own_environment() {
    Variables variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        variables[std::string{text.substr(0, equals)}] = text.substr(equals + 1);
    }
    return variables;
}

std::vector<int> children_of(int pid) {
    std::istringstream text{
        io::read_file(fmt::format("/proc/{0}/task/{0}/children", pid), kProcSizeMax).value_or("")};
    return {std::istream_iterator<int>{text}, std::istream_iterator<int>{}};
}

std::vector<std::string> Part::take_lines() {
    std::vector<std::string> lines;
    std::array<char, 16384> buffer = {};
    while (socket_) {
        const io::ReadOutcome read = io::read_some(socket_.number(), buffer);
        if (read.size == 0) break;
        unfinished_.append(buffer.data(), read.size);
    }
    for (std::size_t end = unfinished_.find('\n'); end != std::string::npos;
         end = unfinished_.find('\n')) {
        lines.push_back(unfinished_.substr(0, end));
        unfinished_.erase(0, end + 1);
    }
    return lines;
}

bool Part::write_line(std::string_view line) {
    const std::string text = std::string{line} + "\n";
    // As short as it is, it goes whole or not at all.
    const ssize_t sent = ::send(socket_.number(), text.data(), text.size(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(text.size());
}

void Part::close_input() {
    if (socket_) ::shutdown(socket_.number(), SHUT_WR);
}

bool Part::has_ended() {
    if (!end_text_.empty()) return true;
    if (!process_->wait_for_exit(base::Duration{0})) return false;
    process_->signal_group(SIGKILL);  // what it has left of its group
    const io::ExitStatus status = process_->reap();
    end_text_ = io::to_text(status);
    has_succeeded_ = status.code == 0;
    return true;
}

std::string Part::last_words() const {
    const std::string text = io::read_file(log_, kLogSizeMax).value_or("");
    std::string last = end_text_;
    for (const auto line : std::views::split(std::string_view{text}, '\n')) {
        if (!line.empty()) last = one_line(std::string_view{line.begin(), line.end()});
    }
    return last;
}

Result<std::unique_ptr<Stage>> Stage::make() {
    std::error_code failed;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(failed);
    std::string folder = (parent / "windlass-drill-XXXXXX").string();
    if (failed || ::mkdtemp(folder.data()) == nullptr)
        return io::system_error(errno, "making a folder for the drill, " + folder);
    // Blocked, so that they wait until somebody looks: check().
    io::hold_back({SIGINT, SIGTERM, SIGHUP});
    return std::unique_ptr<Stage>{new Stage{std::move(folder)}};
}

Stage::~Stage() = default;

base::Duration Stage::now() const { return std::chrono::steady_clock::now() - began_; }

Result<Part*> Stage::start(const std::string& name, std::vector<std::string> words,
                           const Variables& environment) {
    io::SocketPair pair = WL_TRY(io::make_socket_pair());
    std::unique_ptr<Part> part{new Part};
    part->log_ = fmt::format("{}/{}-{}.log", folder_, name, parts_.size());
    const io::FileDescriptor log{
        ::open(part->log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (!log) return io::system_error(errno, "making " + part->log_);
    io::SpawnOrder order;
    order.executable = "/proc/self/exe";
    order.argv = std::move(words);
    order.argv.insert(order.argv.begin(), "windlass");
    for (const auto& [variable, value] : environment)
        order.environment.push_back(fmt::format("{}={}", variable, value));
    order.descriptors = {{.ours = pair.theirs.number(), .theirs = 0},
                         {.ours = pair.theirs.number(), .theirs = 1},
                         {.ours = log.number(), .theirs = 2}};
    // Nobody turns the loop: has_ended() looks by itself.
    part->process_ = WL_TRY(io::Process::spawn(loop_, order, [] {}));
    part->socket_ = std::move(pair.ours);
    parts_.push_back(std::move(part));
    return parts_.back().get();
}

bool Stage::wait_until(const std::function<bool()>& is_so, base::Duration limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (true) {
        if (pulse_) pulse_();
        if (is_so()) return true;
        if (std::chrono::steady_clock::now() >= deadline) return false;
        const sigset_t awaited = interrupts();
        const timespec pause{.tv_sec = 0, .tv_nsec = kPulseMs * 1'000'000L};
        if (const int number = ::sigtimedwait(&awaited, nullptr, &pause); number > 0)
            interrupt_ = number;
        if (!check()) return false;
    }
}

Result<void> Stage::check() const {
    if (is_finishing_) return {};
    if (interrupt_ != 0) {
        return base::fail(Errc::cancelled,
                          fmt::format("the drill was ended by signal {}, and has ended all that it "
                                      "had started",
                                      interrupt_));
    }
    if (now() < kDrillLimit) return {};
    return base::fail(Errc::timeout,
                      fmt::format("the drill was given up after {}; is this machine very busy?",
                                  base::to_text(kDrillLimit)));
}

void Stage::ask_to_end(const Part& part) {
    for (const int child : children_of(part.pid())) {
        if (const auto identity = io::find_identity(child)) heirs_.push_back(*identity);
    }
    part.process_->signal_group(SIGTERM);
}

std::size_t Stage::finish() {
    is_finishing_ = true;
    const auto all_ended = [this] {
        return std::ranges::all_of(parts_, [](const auto& part) { return part->has_ended(); });
    };
    for (const auto& part : parts_ | std::views::reverse) {
        part->close_input();
        if (!part->has_ended()) ask_to_end(*part);
    }
    if (!wait_until(all_ended, kEndGrace)) {
        for (const auto& part : parts_) part->process_->signal_group(SIGKILL);
        wait_until(all_ended, kKillGrace);
    }
    const auto left = [this] {
        return std::ranges::count_if(parts_,
                                     [](const auto& part) { return has_group(part->pid()); }) +
               std::ranges::count_if(heirs_, io::is_running);
    };
    wait_until([&left] { return left() == 0; }, kKillGrace);
    const auto count = static_cast<std::size_t>(left());
    std::error_code ignored;  // a folder that stays does no harm
    std::filesystem::remove_all(folder_, ignored);
    return count;
}

}  // namespace windlass::cli::drill
