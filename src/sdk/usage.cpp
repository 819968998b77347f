// How to serve a model, and try it.
#include "sdk/usage.h"

#include <fmt/core.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>

namespace windlass::sdk {
namespace {

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

// A name that the configuration takes, from that of the program.
std::string model_name(std::string_view program) {
    std::string name{program.substr(program.rfind('/') + 1)};
    std::ranges::replace_if(
        name, [](char c) { return !is_name_character(c); }, '_');
    return name.empty() ? "mine" : name.substr(0, 64);
}

// A string of TOML. Paths with control characters are left to their owners.
std::string quoted(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::vector<std::string> own_command() {
    std::vector<std::string> command;
    std::ifstream file{"/proc/self/cmdline"};
    for (std::string argument; std::getline(file, argument, '\0');) command.push_back(argument);
    if (command.empty()) command.emplace_back();
    std::array<char, PATH_MAX> path;
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    if (size > 0) command.front().assign(path.data(), static_cast<std::size_t>(size));
    return command;
}

}  // namespace

std::string how_to_serve() { return how_to_serve(own_command()); }

std::string how_to_serve(const std::vector<std::string>& command) {
    const std::string name = model_name(command.front());
    std::string list;
    for (const std::string& argument : command) {
        list += (list.empty() ? "" : ", ") + quoted(argument);
    }
    return fmt::format(
        R"(This is a model for Windlass; the daemon starts it. Put this into windlass.toml:

    [models.{0}]
    command = [{1}]

Then start the daemon, and try the model from another terminal:

    windlass serve
    curl -H 'Content-Type: application/octet-stream' --data-binary hello \
        http://127.0.0.1:7411/api/models/{0}/call
)",
        name, list);
}

}  // namespace windlass::sdk
