// The rules of [daemon] and [devices], and what the environment says.
#include "daemon/configuration_rules.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "http/unix_listener.h"

namespace windlass::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOffloadVariable = "IDLE_UNLOAD_TIMEOUT_SEC";
constexpr std::string_view kUnloadVariable = "IDLE_CLEAR_TIMEOUT_SEC";
constexpr std::uint32_t kIdleSecondsMax = 30 * 86'400;  // as `unload_after` itself

void add_problem(Problems& problems, std::string_view source, std::string message) {
    problems.add(Problem{.file = std::string{source}, .message = std::move(message)});
}

// Replaces `target` by what the variable says. One that is set to nothing counts as not set, as
// compose files do that.
bool read_idle_seconds(const Environment& environment, std::string_view name,
                       std::optional<Duration>& target, Problems& problems) {
    const auto found = environment.find(name);
    if (found == environment.end() || found->second.empty()) return false;
    const std::string& text = found->second;
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds > kIdleSecondsMax) {
        add_problem(
            problems, name,
            fmt::format("must be whole seconds up to {}, such as 300 (0: never), not \"{}\"",
                        kIdleSecondsMax, printable(text)));
        return false;
    }
    target = seconds == 0 ? std::nullopt : std::optional<Duration>{std::chrono::seconds{seconds}};
    return true;
}

std::string default_state_dir(const Environment& environment) {
    // XDG Base Directory Specification 0.8: a relative value is to be ignored.
    const auto state = environment.find("XDG_STATE_HOME");
    if (state != environment.end() && state->second.starts_with('/'))
        return state->second + "/windlass";
    const auto home = environment.find("HOME");
    if (home != environment.end() && home->second.starts_with('/'))
        return home->second + "/.local/state/windlass";
    return "/var/lib/windlass";
}

bool is_host_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    };
    in6_addr address{};
    const std::string text{name};
    return (!name.empty() && name.size() <= 253 && std::ranges::all_of(name, allowed)) ||
           inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

void read_allowed_hosts(SectionReader& reader, std::vector<std::string>& hosts) {
    if (!reader.read("allowed_hosts", hosts)) return;
    for (std::string& host : hosts) {
        if (!is_host_name(host)) {
            reader.error("allowed_hosts",
                         fmt::format("holds \"{}\"; a host is a name or an address alone, without "
                                     "scheme, port or brackets",
                                     printable(host)));
        }
        for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
}

constexpr std::string_view kNeedsToken =
    "can be reached from other machines, which needs a token, and tokens (`token_file`) arrive "
    "with a later version: listen on loopback, with a proxy in front that knows who may ask";

void read_listen(SectionReader& reader, const Overrides& overrides, ListenAddress& address,
                 Problems& problems) {
    std::string text;
    if (reader.read("listen", text)) {
        const base::Result<ListenAddress> parsed = parse_listen(text);
        if (!parsed) {
            reader.error("listen", parsed.error().message);
        } else if (!overrides.listen && !is_loopback(*parsed)) {
            reader.error("listen", fmt::format("is \"{}\": that {}", text, kNeedsToken));
        } else {
            address = *parsed;
        }
    }
    if (!overrides.listen) return;
    const base::Result<ListenAddress> parsed = parse_listen(*overrides.listen);
    if (!parsed) {
        add_problem(problems, "--listen", parsed.error().message);
    } else if (!is_loopback(*parsed)) {
        add_problem(problems, "--listen", fmt::format("\"{}\" {}", *overrides.listen, kNeedsToken));
    } else {
        address = *parsed;
    }
}

void read_log(SectionReader& reader, const Overrides& overrides, LogFormat& format,
              Problems& problems) {
    std::string text = "text";
    reader.read("log", text);
    if (overrides.log) text = *overrides.log;
    format = text == "json" ? LogFormat::json : LogFormat::text;
    if (text != "json" && text != "text") {
        add_problem(problems, "--log",
                    fmt::format("must be text or json, not \"{}\"", printable(text)));
    }
}

// A path of the command line: relative to the current folder.
fs::path from_here(const std::string& text) {
    std::error_code ignored;  // only when there is no current folder; then it stays relative
    return fs::absolute(text, ignored).lexically_normal();
}

// `wanted`: what to name instead of nothing.
void refuse_empty(std::string_view option, const std::optional<std::string>& text,
                  std::string_view wanted, Problems& problems) {
    if (!text || !text->empty()) return;
    add_problem(problems, option, fmt::format("is empty; name {}", wanted));
}

std::string too_long(const std::string& path) {
    return fmt::format(
        "is {} bytes long as \"{}\", and a Unix socket's path has at most {}; "
        "choose a shorter one, or \"none\"",
        path.size(), printable(path), http::kUnixPathMax);
}

// Empty: no socket.
std::string read_socket(SectionReader& reader, const fs::path& folder, const Overrides& overrides,
                        const std::string& state_dir, Problems& problems) {
    std::string text;
    const bool is_given = reader.read("socket", text);
    if (overrides.socket.value_or(text) == "none") return {};
    fs::path path = is_given ? folder / text : fs::path{state_dir} / "windlass.sock";
    if (overrides.socket) path = from_here(*overrides.socket);
    std::string socket = path.lexically_normal();
    if (socket.size() <= http::kUnixPathMax) return socket;
    if (overrides.socket) {
        add_problem(problems, "--socket", too_long(socket));
    } else if (is_given) {
        reader.error("socket", too_long(socket));
    } else {
        problems.notice(
            0, fmt::format("there is no Unix socket: `socket` in [daemon] {}", too_long(socket)));
    }
    return {};
}

// Empty: no access log.
std::string read_access_log(SectionReader& reader, const fs::path& folder,
                            const Overrides& overrides) {
    std::string text;
    const bool is_given = reader.read("access_log", text);
    if (overrides.access_log.value_or(text) == "-") return "-";
    if (overrides.access_log) return from_here(*overrides.access_log);
    return is_given ? (folder / text).lexically_normal().string() : std::string{};
}

std::string read_state_dir(SectionReader& reader, const fs::path& folder,
                           const Environment& environment, const Overrides& overrides) {
    std::string text = default_state_dir(environment);
    reader.read("state_dir", text);
    return overrides.state_dir ? from_here(*overrides.state_dir)
                               : (folder / text).lexically_normal();
}

}  // namespace

IdleDefaults read_idle_defaults(const Environment& environment, Problems& problems) {
    const ModelConfiguration built_in;
    IdleDefaults defaults{built_in.offload_after, built_in.unload_after};
    const bool offload =
        read_idle_seconds(environment, kOffloadVariable, defaults.offload_after, problems);
    const bool unload =
        read_idle_seconds(environment, kUnloadVariable, defaults.unload_after, problems);
    const bool crossed = offload && unload && defaults.offload_after && defaults.unload_after &&
                         *defaults.unload_after < *defaults.offload_after;
    if (crossed) {
        add_problem(problems, kUnloadVariable,
                    fmt::format("is {}, below the {} of {}: a model would be unloaded before it is "
                                "offloaded; raise it, or set it to 0 (never)",
                                defaults.unload_after->count() / 1'000'000'000,
                                defaults.offload_after->count() / 1'000'000'000, kOffloadVariable));
    }
    return defaults;
}

DaemonConfiguration read_daemon(const TomlValue& table, const fs::path& folder,
                                const Environment& environment, const Overrides& overrides,
                                Problems& problems) {
    DaemonConfiguration daemon;
    SectionReader reader{Section::daemon, "[daemon]", table, problems};
    read_listen(reader, overrides, daemon.listen, problems);
    read_log(reader, overrides, daemon.log, problems);
    daemon.state_dir = read_state_dir(reader, folder, environment, overrides);
    refuse_empty("--state-dir", overrides.state_dir, "a folder", problems);
    refuse_empty("--socket", overrides.socket, "a path, or \"none\"", problems);
    refuse_empty("--access-log", overrides.access_log, "a file, or \"-\" for stdout", problems);
    daemon.socket = read_socket(reader, folder, overrides, daemon.state_dir, problems);
    daemon.access_log = read_access_log(reader, folder, overrides);
    reader.read("shutdown_grace", daemon.shutdown_grace);
    read_allowed_hosts(reader, daemon.allowed_hosts);
    reader.read("body_limit", daemon.body_limit);
    std::string cgroups;
    reader.read("cgroups", cgroups);
    daemon.cgroups = cgroups == "none" ? Cgroups::none : Cgroups::automatic;
    if (reader.read("bodies_limit", daemon.bodies_limit)) {
        if (daemon.bodies_limit < daemon.body_limit) {
            reader.error("bodies_limit", "is below body_limit, the limit of a single body");
        }
    } else {
        daemon.bodies_limit = std::max(daemon.bodies_limit, daemon.body_limit);
    }
    reader.read("events_keep", daemon.events_keep);
    reader.read("jobs_keep_succeeded", daemon.jobs_keep_succeeded);
    reader.read("jobs_keep_cancelled", daemon.jobs_keep_cancelled);
    reader.read("jobs_keep_failed", daemon.jobs_keep_failed);
    reader.read("events_limit", daemon.events_limit);
    reader.read("disk_reserve", daemon.disk_reserve);
    reader.finish();
    return daemon;
}

DevicesConfiguration read_devices(const TomlValue& table, Problems& problems) {
    DevicesConfiguration devices;
    SectionReader reader{Section::devices, "[devices]", table, problems};
    const TomlEntry* use = reader.find("use");
    if (use != nullptr && use->value.text == "cpu") {
        devices.use = {"cpu"};
    } else if (use != nullptr && use->value.text != "auto") {
        const bool is_list = reader.read("use", devices.use);
        if (is_list && devices.use.empty()) {
            reader.error("use", "is an empty list; write \"cpu\" to use no GPU, or \"auto\"");
        }
    }
    reader.read("answer_timeout", devices.answer_timeout);
    reader.read("sample_interval", devices.sample_interval);
    reader.read("list_interval", devices.list_interval);
    reader.read("restart_pause", devices.restart_pause);
    reader.read("settle_timeout", devices.settle_timeout);
    reader.read("headroom", devices.headroom);
    std::string unknown_memory = "refuse";
    reader.read("on_unknown_memory", unknown_memory);
    devices.on_unknown_memory =
        unknown_memory == "allow" ? UnknownMemory::allow : UnknownMemory::refuse;
    reader.finish();
    return devices;
}

}  // namespace windlass::daemon
