// The configuration as plain values, and how it is read. All mistakes of a file are found at once;
// the rules stand in configuration_keys.cpp and configuration_rules.cpp. Reads files, logs nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/model_configuration.h"

namespace windlass::daemon {

using base::Bytes;

enum class LogFormat : std::uint8_t { text, json };

struct ListenAddress {
    std::string host = "127.0.0.1";  // an IPv4 or IPv6 address without brackets, or "localhost"
    std::uint16_t port = 7411;       // 0: any free one

    friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

enum class Cgroups : std::uint8_t { automatic, none };

struct DaemonConfiguration {
    ListenAddress listen;
    std::string socket;     // absolute path of the Unix socket; empty: none
    std::string state_dir;  // absolute
    LogFormat log = LogFormat::text;
    std::string access_log;  // absolute; "-": stdout; empty: none
    Duration shutdown_grace = std::chrono::seconds{5};
    std::vector<std::string> allowed_hosts;  // besides loopback and "localhost"; lower case
    Bytes body_limit{std::uint64_t{256} << 20};
    Cgroups cgroups = Cgroups::automatic;
    Bytes bodies_limit{std::uint64_t{1} << 30};
    Duration events_keep = std::chrono::hours{7 * 24};
    Duration jobs_keep_succeeded = std::chrono::hours{24};
    Duration jobs_keep_cancelled = std::chrono::hours{7 * 24};
    Duration jobs_keep_failed = std::chrono::hours{30 * 24};
    std::uint32_t events_limit = 100'000;
    Bytes disk_reserve{std::uint64_t{64} << 20};

    friend bool operator==(const DaemonConfiguration&, const DaemonConfiguration&) = default;
};

enum class UnknownMemory : std::uint8_t { refuse, allow };

struct DevicesConfiguration {
    std::vector<std::string> use;  // UUIDs; empty: "auto"; {"cpu"}: no GPU
    Duration answer_timeout = std::chrono::seconds{5};
    Duration sample_interval = std::chrono::seconds{2};
    Duration list_interval = std::chrono::seconds{30};
    Duration restart_pause = std::chrono::seconds{60};
    Duration settle_timeout = std::chrono::seconds{30};
    Bytes headroom{std::uint64_t{512} << 20};
    UnknownMemory on_unknown_memory = UnknownMemory::refuse;

    friend bool operator==(const DevicesConfiguration&, const DevicesConfiguration&) = default;
};

struct Configuration {
    DaemonConfiguration daemon;
    DevicesConfiguration devices;
    std::vector<ModelConfiguration> models;  // by name, each before its variants

    friend bool operator==(const Configuration&, const Configuration&) = default;
};

enum class Severity : std::uint8_t {
    error,   // the configuration cannot be used
    notice,  // it can, but something in it has no effect
};

struct Problem {
    std::string file;          // or the name of an option or environment variable
    std::uint32_t line = 0;    // 1-based; 0: none
    std::uint32_t column = 0;  // 1-based; 0: none. Only of syntax errors
    Severity severity = Severity::error;
    std::string message;

    friend bool operator==(const Problem&, const Problem&) = default;
};

// "windlass.toml:12: message", "windlass.toml:3:7: message" or "--listen: message".
std::string to_text(const Problem& problem);

struct LoadedConfiguration {
    std::optional<Configuration> configuration;  // empty exactly when there is an error
    std::vector<Problem> problems;               // in the order of the file
};

using Environment = std::map<std::string, std::string, std::less<>>;

// A copy of this process's environment.
Environment process_environment();

// What the command line says instead of [daemon]; as text, since it is checked alike.
struct Overrides {
    std::optional<std::string> listen;
    std::optional<std::string> log;
    std::optional<std::string> state_dir;
    std::optional<std::string> socket;
    std::optional<std::string> access_log;
};

// Reads the file. One that cannot be read is a problem without a line. Blocks on the file system.
LoadedConfiguration load_configuration(const std::string& path, const Environment& environment,
                                       const Overrides& overrides = {});

// The same from text; `path` names the file in problems and is what relative paths start from.
LoadedConfiguration parse_configuration(std::string_view text, const std::string& path,
                                        const Environment& environment,
                                        const Overrides& overrides = {});

// "127.0.0.1:7411", "[::1]:7411", "localhost:0".
base::Result<ListenAddress> parse_listen(std::string_view text);
std::string to_text(const ListenAddress& address);

// 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(const ListenAddress& address);

}  // namespace windlass::daemon
