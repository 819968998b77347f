// Reading the whole file, and the small texts of the configuration.
#include "daemon/configuration.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/nearest_word.h"
#include "daemon/configuration_rules.h"

namespace windlass::daemon {
namespace {

constexpr std::size_t kFileMax = 4 << 20;  // far beyond any real one; /dev/zero ends here

// The table named `key`, or an empty one; what is no table is a mistake.
TomlValue find_table(const TomlValue& root, std::string_view key, Problems& problems) {
    const TomlEntry* entry = root.find(key);
    if (entry == nullptr) return {};
    if (entry->value.kind == TomlValue::Kind::table) return entry->value;
    problems.error(entry->line, fmt::format("`{}` must be a table: write [{}]", key,
                                            key == "models" ? "models.NAME" : std::string{key}));
    return {};
}

void report_unknown_at_top(const TomlEntry& entry, Problems& problems) {
    static constexpr std::array<std::string_view, 3> kTables = {"daemon", "devices", "models"};
    if (std::ranges::find(kTables, entry.key) != kTables.end()) return;
    const std::string name = printable(entry.key);
    const auto nearest = base::nearest_word(entry.key, kTables);
    if (entry.value.kind == TomlValue::Kind::table) {
        problems.error(entry.line,
                       nearest
                           ? fmt::format("unknown table [{}]; did you mean [{}]?", name, *nearest)
                           : fmt::format("unknown table [{}]; known are [daemon], [devices] and "
                                         "[models.NAME]",
                                         name));
        return;
    }
    std::string hint = "keys stand below [daemon], [devices] or [models.NAME]";
    for (const Key& key : key_table()) {
        if (key.name != entry.key) continue;
        hint = fmt::format("it belongs in {}", section_title(key.section));
        break;
    }
    problems.error(entry.line,
                   fmt::format("unknown key `{}` outside of any table; {}", name, hint));
}

Configuration read_configuration(const TomlValue& root, const std::filesystem::path& folder,
                                 const Environment& environment, const Overrides& overrides,
                                 Problems& problems) {
    Configuration configuration;
    for (const TomlEntry& entry : root.entries) report_unknown_at_top(entry, problems);
    configuration.daemon =
        read_daemon(find_table(root, "daemon", problems), folder, environment, overrides, problems);
    configuration.devices = read_devices(find_table(root, "devices", problems), problems);
    const IdleDefaults defaults = read_idle_defaults(environment, problems);
    const TomlValue models = find_table(root, "models", problems);
    for (const TomlEntry& model : models.entries) {
        std::ranges::move(read_model(model, folder, defaults, problems),
                          std::back_inserter(configuration.models));
    }
    std::ranges::sort(configuration.models, {}, [](const ModelConfiguration& model) {
        return std::pair{model_of(model), std::string_view{model.variant}};
    });
    if (root.find("models") == nullptr) {
        problems.notice(0, "no model is configured: add [models.NAME] with `python` or `command`");
    }
    return configuration;
}

LoadedConfiguration unreadable(const std::string& path, std::string message) {
    return {.configuration = {}, .problems = {{.file = path, .message = std::move(message)}}};
}

}  // namespace

std::string to_text(const Problem& problem) {
    if (problem.line == 0) return fmt::format("{}: {}", problem.file, problem.message);
    if (problem.column == 0)
        return fmt::format("{}:{}: {}", problem.file, problem.line, problem.message);
    return fmt::format("{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message);
}

Environment process_environment() {
    Environment result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        const std::size_t equals = text.find('=');
        if (equals == text.npos) continue;
        result.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return result;
}

LoadedConfiguration load_configuration(const std::string& path, const Environment& environment,
                                       const Overrides& overrides) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error))
        return unreadable(path, "is a folder; name the configuration file in it");
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return unreadable(path,
                          fmt::format("cannot be read: {}; give the path of the configuration file",
                                      std::generic_category().message(errno)));
    }
    std::string text(kFileMax + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return unreadable(path, "cannot be read: the file system reports an error");
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kFileMax) return unreadable(path, "is larger than 4 MiB: no configuration");
    return parse_configuration(text, path, environment, overrides);
}

LoadedConfiguration parse_configuration(std::string_view text, const std::string& path,
                                        const Environment& environment,
                                        const Overrides& overrides) {
    const std::expected<TomlValue, Problem> root = parse_toml(text, path);
    if (!root) return {.configuration = {}, .problems = {root.error()}};
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(path, error);
    if (error) return unreadable(path, "the current folder is gone: " + error.message());
    Problems problems{path};
    Configuration configuration =
        read_configuration(*root, absolute.parent_path(), environment, overrides, problems);
    LoadedConfiguration loaded;
    if (!problems.has_error()) loaded.configuration = std::move(configuration);
    loaded.problems = problems.take();
    return loaded;
}

base::Result<ListenAddress> parse_listen(std::string_view text) {
    const auto mistake = [&] {
        return base::fail(base::Errc::invalid_input,
                          fmt::format("must be an address and port such as \"127.0.0.1:7411\" or "
                                      "\"[::1]:7411\", not \"{}\"",
                                      printable(text)));
    };
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return mistake();
    std::string host{text.substr(0, colon)};
    const std::string_view port = text.substr(colon + 1);
    ListenAddress address;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size()) return mistake();
    in_addr v4{};
    in6_addr v6{};
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return mistake();
    } else if (host != "localhost" && inet_pton(AF_INET, host.c_str(), &v4) != 1) {
        return mistake();
    }
    address.host = std::move(host);
    return address;
}

std::string to_text(const ListenAddress& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return v6 ? fmt::format("[{}]:{}", address.host, address.port)
              : fmt::format("{}:{}", address.host, address.port);
}

bool is_loopback(const ListenAddress& address) {
    if (address.host == "localhost") return true;
    in_addr v4{};
    if (inet_pton(AF_INET, address.host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    return inet_pton(AF_INET6, address.host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace windlass::daemon
