// Its address, its readiness, and the worker that stands for it.
#include "cli/http_program.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <windlass/offload.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "cli/commands.h"
#include "client/http_exchange.h"

namespace windlass::cli {
namespace {

using base::Errc;
using base::Result;
using namespace std::chrono_literals;

constexpr std::string_view kPort = "{port}";
constexpr std::string_view kSocket = "{socket}";
constexpr base::Duration kPauseMin = 20ms;
constexpr base::Duration kPauseMax = 500ms;
// Some servers accept connections long before they answer; the next try may find them ready.
constexpr base::Duration kProbeTimeout = 5s;
// Far beyond any limit of the daemon, which ends a move that takes too long.
constexpr base::Duration kMoveTimeout = 24h;
constexpr std::uint64_t kAnswerMax = std::uint64_t{1} << 20;
constexpr std::size_t kQuotedMax = 300;

constexpr std::string_view kUsage =
    "write it as: windlass http-program --ready /health [--offload /sleep --restore /wake_up]"
    " [--grace 8s] -- PROGRAM ARGUMENT... (the daemon starts it)";

bool contains(const std::vector<std::string>& words, std::string_view part) {
    return std::ranges::any_of(words, [&](const std::string& word) { return word.contains(part); });
}

std::string replaced(std::string text, std::string_view part, std::string_view by) {
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + by.size())) {
        text.replace(at, part.size(), by);
    }
    return text;
}

// One that nobody uses at this moment. Somebody may take it before the program does: then that
// ends, the load fails, and the next one tries another.
std::uint16_t free_port() {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool is_bound = probe >= 0 &&
                          ::bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                          ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (probe >= 0) ::close(probe);
    return is_bound ? ntohs(address.sin_port) : 0;
}

bool is_success(int status) { return status >= 200 && status < 300; }

}  // namespace

Result<HttpProgramSettings> parse_http_program(const std::vector<std::string>& words) {
    HttpProgramSettings settings;
    std::size_t index = 0;
    for (; index + 1 < words.size() && words[index] != "--"; index += 2) {
        const std::string& value = words[index + 1];
        const auto duration = base::parse_duration(value);
        if (words[index] == "--ready" && value.starts_with('/')) {
            settings.ready = value;
        } else if (words[index] == "--offload" && value.starts_with('/')) {
            settings.offload = value;
        } else if (words[index] == "--restore" && value.starts_with('/')) {
            settings.restore = value;
        } else if (words[index] == "--grace" && duration) {
            settings.grace = *duration;
        } else {
            return base::fail(
                Errc::invalid_input,
                fmt::format("http-program: cannot use `{} {}`; {}", words[index], value, kUsage));
        }
    }
    for (++index; index < words.size(); ++index) settings.command.push_back(words[index]);
    const bool is_whole = !settings.ready.empty() && !settings.command.empty() &&
                          settings.offload.empty() == settings.restore.empty();
    if (is_whole) return settings;
    return base::fail(Errc::invalid_input, fmt::format("http-program: {}", kUsage));
}

worker::Outcome<void> HttpProgram::choose_address() {
    if (!contains(settings_.command, kSocket)) {
        address_ = {.port = free_port()};
        if (address_.port != 0) return {};
        return worker::fail(worker::ErrorType::unavailable,
                            "there is no free port on 127.0.0.1 for the program; write {socket}"
                            " into its command instead, if it can listen on a Unix socket");
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
    const char* const folder = std::getenv("TMPDIR");  // private to this worker
    address_ = {.socket = fmt::format("{}/http.sock", folder == nullptr ? "/tmp" : folder)};
    ::unlink(address_.socket.c_str());
    if (address_.socket.size() < sizeof(sockaddr_un::sun_path)) return {};
    return worker::fail(worker::ErrorType::invalid_input,
                        fmt::format("the path {} is too long for a Unix socket; use a shorter"
                                    " state_dir, or {{port}} instead of {{socket}}",
                                    address_.socket));
}

std::vector<std::string> HttpProgram::filled_command() const {
    std::vector<std::string> words;
    words.reserve(settings_.command.size());
    for (const std::string& word : settings_.command) {
        words.push_back(replaced(replaced(word, kPort, std::to_string(address_.port)), kSocket,
                                 address_.socket));
    }
    return words;
}

std::string HttpProgram::url() const {
    if (address_.port == 0) return "unix:" + address_.socket;
    return fmt::format("http://127.0.0.1:{}", address_.port);
}

worker::Outcome<void> HttpProgram::start() {
    const worker::Outcome<void> chosen = choose_address();
    if (!chosen) return chosen;
    std::map<std::string, std::string> environment;
    if (address_.port != 0) environment["PORT"] = std::to_string(address_.port);
    if (address_.port == 0) environment["SOCKET"] = address_.socket;
    auto started = HttpChild::start(filled_command(), environment);
    if (!started) {
        worker::ErrorType type = worker::ErrorType::internal;
        if (started.error().code == Errc::not_found) type = worker::ErrorType::not_found;
        if (started.error().code == Errc::permission_denied) {
            type = worker::ErrorType::permission_denied;
        }
        return worker::fail(type, started.error().message);
    }
    child_ = std::move(*started);
    return wait_until_ready();
}

worker::Outcome<void> HttpProgram::wait_until_ready() {
    const auto where = client::parse_url(url());
    base::Duration pause = kPauseMin;
    while (!child_->wait_for_end(pause)) {
        client::HttpExchange probe{
            *where, url(), {.connect_timeout = kProbeTimeout, .body_max = kAnswerMax}};
        const auto answer =
            probe.perform({.method = "GET", .path = settings_.ready, .timeout = kProbeTimeout});
        if (answer && is_success(answer->status)) {
            child_->tie_lives();
            return {};
        }
        pause = std::min(2 * pause, kPauseMax);
    }
    return worker::fail(
        worker::ErrorType::internal,
        fmt::format("{} {} before it was ready (GET {} was never answered with"
                    " 2xx); what it printed is in the log, as worker.output",
                    settings_.command.front(), child_->how_it_ended(), settings_.ready));
}

worker::Outcome<void> HttpProgram::post(const std::string& path) {
    client::HttpExchange exchange{*client::parse_url(url()),
                                  url(),
                                  {.connect_timeout = kProbeTimeout, .body_max = kAnswerMax}};
    const auto answer = exchange.perform({.method = "POST", .path = path, .timeout = kMoveTimeout});
    if (!answer) return worker::fail(worker::ErrorType::internal, answer.error().message);
    if (is_success(answer->status)) return {};
    return worker::fail(worker::ErrorType::internal,
                        fmt::format("the program answered POST {} with {}: {}", path,
                                    answer->status, answer->body.substr(0, kQuotedMax)));
}

void HttpProgram::stop() {
    if (child_ != nullptr) child_->stop(settings_.grace);
}

namespace {

// What a program is to the daemon: a model whose requests do not come to run().
template <class Model>
class Served : public Model, public worker::HttpEndpoint {
  public:
    explicit Served(HttpProgramSettings settings) : program_(std::move(settings)) {}

    worker::Outcome<void> load(const std::string&) override {
        worker::Outcome<void> started = program_.start();
        if (!started) program_.stop();
        return started;
    }
    worker::Outcome<worker::Answer> run(worker::Request&) override {
        return worker::fail(worker::ErrorType::unsupported,
                            "this model serves HTTP: send it to /api/models/NAME/http/...");
    }
    void unload() override { program_.stop(); }
    worker::HttpAddress http_address() const override { return program_.address(); }

  protected:
    HttpProgram program_;
};

class Movable : public Served<worker::OffloadableModel> {
  public:
    using Served::Served;

    worker::Outcome<void> offload() override { return program_.offload(); }
    worker::Outcome<void> restore(const std::string&) override { return program_.restore(); }
};

}  // namespace

int run_http_program(int count, char* const* arguments) {
    auto settings = parse_http_program({arguments, arguments + count});
    if (!settings) {
        std::fputs(fmt::format("windlass {}\n", settings.error().message).c_str(), stderr);
        return base::traits(settings.error().code).exit_code;
    }
    if (settings->offload.empty()) {
        Served<worker::Model> model{std::move(*settings)};
        return worker::serve(model);
    }
    Movable model{std::move(*settings)};
    return worker::serve(model);
}

}  // namespace windlass::cli
