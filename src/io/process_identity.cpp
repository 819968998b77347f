// Parses what /proc says of a process.
#include "io/process_identity.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

#include "io/read_file.h"

namespace windlass::io {
namespace {

struct Stat {
    char state = '?';
    std::uint64_t start_ticks = 0;
};

std::optional<Stat> read_stat(pid_t pid) {
    const std::optional<std::string> text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
    // The second field is the name in parentheses and may hold anything, so count from its end.
    const std::size_t name_end = text ? text->rfind(") ") : std::string::npos;
    if (name_end == std::string::npos) return std::nullopt;
    std::string_view fields{*text};
    fields.remove_prefix(name_end + 2);
    Stat stat{.state = fields.empty() ? '?' : fields.front()};
    constexpr int kStateField = 3;
    constexpr int kStartField = 22;
    for (int field = kStateField; field < kStartField; ++field) {
        const std::size_t space = fields.find(' ');
        if (space == std::string_view::npos) return std::nullopt;
        fields.remove_prefix(space + 1);
    }
    const auto read =
        std::from_chars(fields.data(), fields.data() + fields.size(), stat.start_ticks);
    if (read.ec != std::errc{}) return std::nullopt;
    return stat;
}

}  // namespace

std::optional<ProcessIdentity> find_identity(pid_t pid) {
    const std::optional<Stat> stat = read_stat(pid);
    if (!stat) return std::nullopt;
    return ProcessIdentity{.pid = pid, .start_ticks = stat->start_ticks};
}

bool is_running(const ProcessIdentity& identity) {
    const std::optional<Stat> stat = read_stat(identity.pid);
    return stat && stat->start_ticks == identity.start_ticks && stat->state != 'Z' &&
           stat->state != 'X';
}

std::string pid_space() {
    std::string text = read_file("/proc/sys/kernel/random/boot_id", 64).value_or("");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::array<char, 64> space = {};
    const ssize_t size = ::readlink("/proc/self/ns/pid", space.data(), space.size());
    if (size > 0) text += "/" + std::string{space.data(), static_cast<std::size_t>(size)};
    return text;
}

}  // namespace windlass::io
