// The loop's side of the search: starts the program, watches that it comes on, and gives it up.
#include "worker/tag_search.h"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "io/lines.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/read_file.h"
#include "io/stream.h"
#include "worker/environment.h"
#include "worker/tag_position.h"

namespace windlass::worker {
namespace {

// For one that could not be started or crashed.
constexpr base::Duration kRetryPause = std::chrono::milliseconds{50};
// What a pipe holds at most (fs.pipe-max-size).
constexpr std::size_t kReportMax = 1 << 20;

std::string listed(const std::set<pid_t>& pids) {
    std::string text;
    for (const pid_t pid : pids) text += (text.empty() ? "" : ", ") + std::to_string(pid);
    return text;
}

// It waits for a processor, not for a lock.
bool is_runnable(pid_t pid) {
    const std::string stat = io::read_file(fmt::format("/proc/{}/stat", pid), 4096).value_or("");
    const std::size_t name_end = stat.rfind(')');  // proc(5): the state is the field behind it
    return name_end != std::string::npos && stat.substr(name_end + 1).starts_with(" R");
}

}  // namespace

struct TagSearch::Program {
    Program(io::Loop& loop, io::FileDescriptor killed, io::FileDescriptor where,
            std::set<pid_t>& victims)
        : lines([&victims](const std::string& line) {
              pid_t pid = 0;
              std::from_chars(line.data(), line.data() + line.size(), pid);
              if (pid > 0) victims.insert(pid);
          }),
          report(loop, std::move(killed),
                 {.on_data = [this](std::span<const char> bytes) { lines.feed(bytes); },
                  .on_closed = [](const auto&) {}}),
          position_file(std::move(where)) {}

    io::LineSplitter lines;  // of the pids that it killed
    io::Stream report;
    io::FileDescriptor position_file;
    TagPosition last_seen;
    std::unique_ptr<io::Process> process;
};

std::string tag_of(const std::string& daemon_id, std::optional<std::uint64_t> generation) {
    std::string tag = fmt::format("WINDLASS_WORKER={}/", daemon_id);
    if (generation) tag += std::to_string(*generation);
    return tag;
}

TagSearch::TagSearch(io::Loop& loop, TagSearchOrder order, std::function<void(HuntOutcome)> on_over)
    : loop_(loop),
      order_(std::move(order)),
      on_over_(std::move(on_over)),
      look_timer_(loop, [this] { look_after(); }),
      retry_timer_(loop, [this] { start_program(); }),
      limit_timer_(loop, [this] {
          if (trouble_.empty()) {
              trouble_ = fmt::format(
                  "the search did not come to its end within {}: it hangs, or a"
                  " process that it killed does not die",
                  base::to_text(order_.limit));
          }
          finish(false);
      }) {}

TagSearch::~TagSearch() = default;

void TagSearch::start() {
    limit_timer_.start(order_.limit);
    start_program();
}

void TagSearch::start_program() {
    if (const base::Result<void> spawned = spawn(); !spawned) {
        return try_again(spawned.error().message);
    }
    look_timer_.start(kLookLimit);
}

base::Result<void> TagSearch::spawn() {
    io::Pipe pipe = WL_TRY(io::make_pipe());
    io::FileDescriptor position{::memfd_create("tag-search", MFD_CLOEXEC)};
    if (!position) return io::system_error(errno, "making a memfd");
    io::SpawnOrder order{
        .executable = order_.executable,
        .argv = {"windlass", "tag-search", order_.tag, std::to_string(order_.empty_passes)},
        .environment = own_environment(),
        .descriptors = {{.ours = pipe.write_end.number(), .theirs = kKilledDescriptor},
                        {.ours = position.number(), .theirs = kPositionDescriptor}}};
    for (const pid_t pid : skipped_) order.argv.push_back(std::to_string(pid));
    auto program =
        std::make_unique<Program>(loop_, std::move(pipe.read_end), std::move(position), victims_);
    program->process = WL_TRY(io::Process::spawn(loop_, order, [this] { on_exit(); }));
    program_ = std::move(program);
    return {};
}

void TagSearch::on_exit() {
    look_timer_.stop();
    program_->report.drain(kReportMax);
    const io::ExitStatus status = program_->process->reap();
    program_.reset();
    if (status.code == 0) return finish(skipped_.empty());
    try_again(fmt::format("the search {}", io::to_text(status)));
}

void TagSearch::look_after() {
    const TagPosition position = read_position(program_->position_file.number());
    const bool has_moved = position.pid == 0 || position != program_->last_seen;
    if (has_moved || is_runnable(program_->process->pid())) {
        program_->last_seen = position;
        return look_timer_.start(kLookLimit);
    }
    skipped_.insert(position.pid);
    trouble_ = fmt::format(
        "the environment of the processes {} could not be read within {}: they hang in the kernel,"
        " and should they be of this worker they are still there",
        listed(skipped_), base::to_text(kLookLimit));
    program_.reset();  // dead, or a zombie as soon as the kernel lets it go
    start_program();
}

void TagSearch::try_again(std::string why) {
    trouble_ = std::move(why);
    retry_timer_.start(kRetryPause);
}

void TagSearch::finish(bool is_everything_gone) {
    // Its owner may keep it: nothing of it may come to life again.
    look_timer_.stop();
    retry_timer_.stop();
    limit_timer_.stop();
    program_.reset();
    // Out of the object first: it may be destroyed meanwhile.
    const std::function<void(HuntOutcome)> on_over = std::move(on_over_);
    on_over({.process_count = victims_.size(),
             .is_everything_gone = is_everything_gone,
             .failure = is_everything_gone ? "" : trouble_});
}

}  // namespace windlass::worker
