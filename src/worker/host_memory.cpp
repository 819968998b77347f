// Looks at processes, counts, and asks the program where that is not enough.
#include "worker/host_memory.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "io/lines.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/read_file.h"
#include "io/stream.h"
#include "worker/cgroup.h"
#include "worker/environment.h"

namespace windlass::worker {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kProcTextMax = 16 << 10;
constexpr std::size_t kSharesTextMax = 1 << 20;  // what a pipe holds at most (fs.pipe-max-size)
// Without a cgroup every process of the machine is looked at: some microseconds each.
constexpr base::Duration kFindEvery = 1s;
constexpr base::Duration kCloseEvery = 1s;
constexpr base::Duration kCloseLimit = 2s;
constexpr std::size_t kProcessesTold = 3;

// The number behind a name of a line such as "RssAnon:	    1024 kB".
std::optional<std::uint64_t> find_kilobytes(std::string_view text, std::string_view name) {
    for (std::size_t at = 0; (at = text.find(name, at)) != text.npos; at += name.size()) {
        const bool is_whole = at == 0 || text[at - 1] == '\n';
        std::string_view rest = text.substr(at + name.size());
        if (!is_whole || !rest.starts_with(':')) continue;
        rest.remove_prefix(std::min(rest.find_first_not_of(": \t"), rest.size()));
        std::uint64_t number = 0;
        const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        if (read.ec == std::errc{}) return number;
    }
    return std::nullopt;
}

// The first must be there; an older kernel may lack the others.
std::optional<base::Bytes> sum_of(std::string_view text, std::string_view first,
                                  std::string_view second, std::string_view third) {
    const auto own = find_kilobytes(text, first);
    if (!own) return std::nullopt;
    const std::uint64_t more =
        find_kilobytes(text, second).value_or(0) + find_kilobytes(text, third).value_or(0);
    return base::Bytes{(*own + more) * 1024};
}

struct Relation {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t session = 0;
};

// proc(5): behind the name, which may hold anything, come state, parent, group and session.
std::optional<Relation> read_relation(pid_t pid) {
    const auto stat = io::read_file(fmt::format("/proc/{}/stat", pid), kProcTextMax);
    const std::size_t name_end = stat ? stat->rfind(") ") : std::string::npos;
    if (name_end == std::string::npos) return std::nullopt;
    Relation relation{.pid = pid};
    std::string_view rest = std::string_view{*stat}.substr(name_end + 3);
    int group = 0;
    for (int* const field : {&relation.parent, &group, &relation.session}) {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), *field);
        if (read.ec != std::errc{}) return std::nullopt;
        rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
    }
    return relation;
}

// Those of its session, and what descends from them; a child that left both is not found.
std::vector<pid_t> find_family(pid_t leader) {
    std::vector<Relation> others;
    std::error_code ended;
    for (fs::directory_iterator at{"/proc", ended}; !ended && at != fs::directory_iterator{};
         at.increment(ended)) {
        const std::string name = at->path().filename().string();
        pid_t pid = 0;
        const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (read.ec != std::errc{} || pid == leader) continue;
        if (const auto relation = read_relation(pid)) others.push_back(*relation);
    }
    std::vector<pid_t> family{leader};
    for (std::size_t known = 0; known < family.size(); ++known) {
        std::erase_if(others, [&](const Relation& other) {
            const bool is_of_it = other.session == leader || other.parent == family[known];
            if (is_of_it) family.push_back(other.pid);
            return is_of_it;
        });
    }
    return family;
}

std::string name_of(pid_t pid) {
    std::string name = io::read_file(fmt::format("/proc/{}/comm", pid), 64).value_or("?");
    while (name.ends_with('\n')) name.pop_back();
    return name;
}

void sort_by_size(HostMemoryUse& use) {
    std::ranges::sort(use.processes, std::ranges::greater{}, &HostMemoryUse::Process::bytes);
}

}  // namespace

struct HostMemoryGuard::Program {
    Program(io::Loop& loop, io::FileDescriptor said)
        : lines([this](const std::string& line) { read_line(line); }),
          output(loop, std::move(said),
                 {.on_data = [this](std::span<const char> bytes) { lines.feed(bytes); },
                  .on_closed = [](const auto&) {}}) {}

    void read_line(std::string_view line) {
        HostMemoryUse::Process seen;
        std::uint64_t bytes = 0;
        const char* const end = line.data() + line.size();
        const auto pid = std::from_chars(line.data(), end, seen.pid);
        if (pid.ec != std::errc{} || pid.ptr == end) return;
        if (std::from_chars(pid.ptr + 1, end, bytes).ec != std::errc{}) return;
        seen.bytes = base::Bytes{bytes};
        seen.name = name_of(seen.pid);
        use.bytes = use.bytes + seen.bytes;
        use.processes.push_back(std::move(seen));
    }

    HostMemoryUse use;
    io::LineSplitter lines;
    io::Stream output;
    std::unique_ptr<io::Process> process;
};

std::optional<base::Bytes> held_by_status(std::string_view status) {
    return sum_of(status, "RssAnon", "RssShmem", "VmSwap");
}

std::optional<base::Bytes> held_by_rollup(std::string_view rollup) {
    return sum_of(rollup, "Pss_Anon", "Pss_Shmem", "SwapPss");
}

std::string to_text(const std::vector<HostMemoryUse::Process>& processes) {
    std::string text;
    for (const HostMemoryUse::Process& each : processes) {
        if (&each - processes.data() == kProcessesTold) {
            return text + fmt::format(" and {} more", processes.size() - kProcessesTold);
        }
        text += fmt::format("{}{} ({}) {}", text.empty() ? "" : ", ", each.name, each.pid,
                            base::to_text(each.bytes));
    }
    return text;
}

HostMemoryGuard::HostMemoryGuard(io::Loop& loop, HostMemoryOrder order,
                                 std::function<void(HostMemoryUse)> on_exceeded)
    : loop_(loop),
      order_(std::move(order)),
      on_exceeded_(std::move(on_exceeded)),
      timer_(loop, [this] { look(); }),
      program_limit_(loop, [this] {
          program_.reset();  // it hangs: nobody knows, and the next look may
          start();
      }) {}

HostMemoryGuard::~HostMemoryGuard() = default;

void HostMemoryGuard::look() {
    // The shim moves itself; whether it got there is seen, never assumed.
    if (!std::exchange(is_placed_, true) && !order_.cgroup.empty()) {
        if (!is_in_cgroup(order_.pid, order_.cgroup)) {
            order_.cgroup.clear();
        } else if (order_.is_limited_there) {
            return;
        }
    }
    find_processes();
    HostMemoryUse use = measure();
    if (use.bytes <= order_.limit) return start();
    if (use.processes.size() == 1) return judge(std::move(use));
    if (loop_.now() < close_next_ || !look_closely(use)) start();
}

void HostMemoryGuard::find_processes() {
    if (!order_.cgroup.empty()) {
        processes_ = processes_of_cgroup(order_.cgroup);
    } else if (loop_.now() >= find_next_) {
        processes_ = find_family(order_.pid);
        find_next_ = loop_.now() + kFindEvery;
    }
}

HostMemoryUse HostMemoryGuard::measure() const {
    HostMemoryUse use;
    for (const pid_t pid : processes_) {
        const auto status = io::read_file(fmt::format("/proc/{}/status", pid), kProcTextMax);
        const auto bytes = status ? held_by_status(*status) : std::nullopt;
        if (!bytes) continue;  // it has ended
        use.bytes = use.bytes + *bytes;
        use.processes.push_back({.pid = pid, .bytes = *bytes});
    }
    if (use.bytes <= order_.limit) return use;
    for (HostMemoryUse::Process& process : use.processes) process.name = name_of(process.pid);
    return use;
}

base::Result<void> HostMemoryGuard::look_closely(const HostMemoryUse& use) {
    io::Pipe pipe = WL_TRY(io::make_pipe());
    io::SpawnOrder order{.executable = order_.executable,
                         .argv = {"windlass", "host-memory"},
                         .environment = own_environment(),
                         .descriptors = {{.ours = pipe.write_end.number(), .theirs = 1}}};
    for (const HostMemoryUse::Process& process : use.processes)
        order.argv.push_back(std::to_string(process.pid));
    auto program = std::make_unique<Program>(loop_, std::move(pipe.read_end));
    program->process = WL_TRY(io::Process::spawn(loop_, order, [this] {
        program_limit_.stop();
        program_->output.drain(kSharesTextMax);
        program_->process->reap();
        HostMemoryUse seen = std::move(program_->use);
        program_.reset();
        judge(std::move(seen));
    }));
    program_ = std::move(program);
    program_limit_.start(kCloseLimit);
    close_next_ = loop_.now() + kCloseEvery;
    return {};
}

void HostMemoryGuard::judge(HostMemoryUse use) {
    if (use.bytes <= order_.limit) return start();
    sort_by_size(use);
    // Out of the object first: it may be destroyed meanwhile.
    const std::function<void(HostMemoryUse)> on_exceeded = std::move(on_exceeded_);
    on_exceeded(std::move(use));
}

}  // namespace windlass::worker
