// Writes a configuration, starts the daemon, and calls it.
#include "cli/drill_daemon.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <ranges>
#include <sstream>

#include "cli/commands.h"
#include "cli/drill_json.h"
#include "cli/worker_json.h"
#include "daemon/daemon.h"
#include "io/file_descriptor.h"
#include "io/read_file.h"

namespace windlass::cli {

namespace drill {

using base::Duration;
using base::Errc;
using base::Result;

namespace {

constexpr std::chrono::seconds kStartLimit{60};
constexpr std::size_t kDaemonLogMax = std::size_t{8} << 20;
constexpr std::size_t kWordsSizeMax = std::size_t{64} << 10;

Result<void> write_file(const std::string& path, std::string_view text) {
    const io::FileDescriptor file{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (file &&
        ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
        return {};
    return io::system_error(errno, "writing " + path);
}

// What is set here is for quick answers on an own device: looks of the daemon itself are not what
// the drill judges by.
Result<std::string> configuration(const DrillDevice& device, const DaemonWish& wish) {
    std::error_code failed;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe", failed).string();
    if (failed) return base::fail(Errc::internal, "/proc/self/exe cannot be read");
    const std::string devices = fmt::format("[devices]\nuse = [{}]\nheadroom = \"{}B\"\n",
                                            toml_text(device.uuid()), headroom().count());
    if (!wish.models.empty()) return devices + wish.models;
    const base::Bytes need = wish.model_size + context_guess(wish.is_real);
    return fmt::format(
        "{}[models.steel]\ncommand = [{}, \"ballast\", \"--bytes\", \"{}B\", \"--run-ms\", "
        "\"20\"]\n"
        "need = \"{}B\"\n{}",
        devices, toml_text(program), wish.model_size.count(), need.count(), wish.idle_keys);
}

std::optional<std::string> url_in(const std::string& log) {
    std::istringstream lines{io::read_file(log, kDaemonLogMax).value_or("")};
    for (std::string line; std::getline(lines, line);) {
        if (auto url = find_url(line)) return url;
    }
    return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<DrillDaemon>> DrillDaemon::make(Stage& stage, const DrillDevice& device,
                                                       const DaemonWish& wish) {
    const std::string file = stage.folder() + "/windlass.toml";
    WL_TRY(write_file(file, WL_TRY(configuration(device, wish))));
    Part* const part =
        WL_TRY(stage.start("daemon",
                           {"drill-daemon", fmt::format("{}", ::getpid()), file,
                            fmt::format("127.0.0.1:{}", wish.port), stage.folder() + "/state"},
                           device.environment()));
    std::optional<std::string> url;
    stage.wait_until(
        [&] {
            url = url_in(part->log());
            return url.has_value() || part->has_ended();
        },
        kStartLimit);
    WL_TRY(stage.check());
    if (!url) {
        return base::fail(Errc::unavailable,
                          fmt::format("the drill's own daemon did not start within {}: {}",
                                      base::to_text(kStartLimit), part->last_words()));
    }
    return std::unique_ptr<DrillDaemon>{
        new DrillDaemon{stage, *part, std::move(*url), device.environment()}};
}

Result<Part*> DrillDaemon::start_client(std::vector<std::string> words) {
    words.insert(words.end(), {"--url", url_});
    return stage_.start("client", std::move(words), environment_);
}

std::vector<Told> DrillDaemon::call(std::size_t clients, Duration limit) {
    std::vector<Part*> parts;
    std::vector<Told> told;
    for (std::size_t i = 0; i < clients; ++i) {
        const auto started = start_client(
            {"call", "steel", "--data", "20", "--json", "--timeout", base::to_text(limit)});
        if (started) {
            parts.push_back(*started);
        } else {
            told.push_back({.failure = started.error().message});
        }
    }
    const auto all_ended = [&parts] {
        return std::ranges::all_of(parts, [](Part* part) { return part->has_ended(); });
    };
    stage_.wait_until(all_ended, limit + limit / 4);
    for (Part* const part : parts) {
        const std::vector<std::string> lines = part->take_lines();
        told.push_back(lines.empty() ? Told{.failure = "no answer; " + part->last_words()}
                                     : parse_told(lines.back()));
    }
    return told;
}

std::set<int> DrillDaemon::shown_workers(Duration limit) {
    const auto client = start_client({"workers", "--json"});
    if (!client) return {};
    stage_.wait_until([&client] { return (*client)->has_ended(); }, limit);
    std::string text;
    for (const std::string& line : (*client)->take_lines()) text += line;
    const auto workers = parse_workers(text);
    if (!workers) return {};
    std::set<int> pids;
    for (const WorkerState& worker : *workers) pids.insert(static_cast<int>(worker.pid));
    return pids;
}

std::set<int> DrillDaemon::workers() const {
    std::set<int> found;
    for (const int child : children_of(pid())) {
        const std::string words =
            io::read_file(fmt::format("/proc/{}/cmdline", child), kWordsSizeMax).value_or("");
        using namespace std::string_view_literals;
        for (const std::string_view word : {"\0ballast\0"sv, "\0drill-worker\0"sv}) {
            if (words.find(word) != std::string::npos) found.insert(child);
        }
    }
    return found;
}

Result<Part*> DrillDaemon::start_submitter() {
    return stage_.start("submitter", {"drill-client", url_}, environment_);
}

bool DrillDaemon::kill(Duration limit) {
    ::kill(pid(), SIGKILL);  // not reaped yet, so that the number is its own
    return stage_.wait_until([this] { return part_.has_ended(); }, limit);
}

bool DrillDaemon::end(Duration limit) {
    stage_.ask_to_end(part_);
    return stage_.wait_until([this] { return part_.has_ended(); }, limit) && part_.has_succeeded();
}

}  // namespace drill

// `windlass drill-daemon PARENT FILE ADDRESS STATE_DIR`: a daemon that ends with its drill, even
// when nobody could end it any more.
int run_drill_daemon(int count, char* const* arguments) {
    if (count != 4) return 2;
    int parent = 0;
    const std::string_view text = arguments[0];
    std::from_chars(text.data(), text.data() + text.size(), parent);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (::getppid() != parent) return 2;
    return daemon::serve(
        {.configuration_path = arguments[1],
         .overrides = {
             .listen = arguments[2], .log = "json", .state_dir = arguments[3], .socket = "none"}});
}

}  // namespace windlass::cli
