// The lines of a daemon's record: a word, a space, and its value.
#include "worker/daemon_record.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace windlass::worker {
namespace {

constexpr std::size_t kLineSizeMax = 8192;  // twice the longest path
constexpr std::size_t kDaemonIdSize = 16;

// A path may hold any byte but zero; a line may not hold its own end.
std::string escape(std::string_view path) {
    std::string text;
    for (const char byte : path) {
        if (byte == '\n') {
            text += "%0A";
        } else if (byte == '%') {
            text += "%25";
        } else {
            text += byte;
        }
    }
    return text;
}

std::string unescape(std::string_view text) {
    std::string path;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::string_view three = text.substr(at, 3);
        if (three == "%0A" || three == "%25") {
            path += three == "%25" ? '%' : '\n';
            at += 2;
        } else {
            path += text[at];
        }
    }
    return path;
}

// Takes the next word off `text`, as a number.
template <class Number>
std::optional<Number> take_number(std::string_view& text) {
    Number number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
    return number;
}

std::optional<io::ProcessIdentity> take_identity(std::string_view& text) {
    const auto pid = take_number<pid_t>(text);
    const auto start_ticks = take_number<std::uint64_t>(text);
    // 0, 1 as a worker, and negative numbers mean something else to kill(2).
    if (!pid || !start_ticks || *pid <= 0) return std::nullopt;
    return io::ProcessIdentity{.pid = *pid, .start_ticks = *start_ticks};
}

}  // namespace

bool is_daemon_id(std::string_view text) {
    return text.size() == kDaemonIdSize && std::ranges::all_of(text, [](char digit) {
               return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
           });
}

std::string encode(const DaemonRecord& record) {
    std::string text =
        fmt::format("daemon {}\npids {}\nprocess {} {}\nfolder {}\ncgroup {}\n", record.daemon_id,
                    record.pid_space, record.daemon.pid, record.daemon.start_ticks,
                    escape(record.folder), escape(record.cgroup));
    for (const auto& [generation, worker] : record.workers) {
        text += encode_added(generation, worker);
    }
    return text;
}

std::string encode_added(std::uint64_t generation, const io::ProcessIdentity& worker) {
    return fmt::format("worker {} {} {}\n", generation, worker.pid, worker.start_ticks);
}

std::string encode_removed(std::uint64_t generation) {
    return fmt::format("gone {}\n", generation);
}

void DaemonRecordReader::feed(std::span<const char> bytes) {
    partial_.append(bytes.data(), bytes.size());
    std::string_view rest{partial_};
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        read_line(rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
    partial_ = rest.size() > kLineSizeMax ? std::string{} : std::string{rest};
}

void DaemonRecordReader::read_line(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return;
    const std::string_view word = line.substr(0, space);
    std::string_view value = line.substr(space + 1);
    if (word == "daemon") record_.daemon_id = value;
    if (word == "pids") record_.pid_space = value;
    if (word == "folder") record_.folder = unescape(value);
    if (word == "cgroup") record_.cgroup = unescape(value);
    if (word == "process") record_.daemon = take_identity(value).value_or(io::ProcessIdentity{});
    if (word == "worker") {
        const auto generation = take_number<std::uint64_t>(value);
        const auto worker = take_identity(value);
        if (generation && worker && worker->pid > 1) record_.workers[*generation] = *worker;
    }
    if (word == "gone") {
        if (const auto generation = take_number<std::uint64_t>(value)) {
            record_.workers.erase(*generation);
        }
    }
}

}  // namespace windlass::worker
