// The loop's side: starts the program, keeps what it says, and gives it up at the limit.
#include "worker/evidence.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "io/lines.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/stream.h"
#include "worker/environment.h"
#include "worker/evidence_lines.h"

namespace windlass::worker {
namespace {

// What a pipe holds at most (fs.pipe-max-size).
constexpr std::size_t kEvidenceRest = 1 << 20;
constexpr std::size_t kMissingMax = 100;

pid_t to_pid(std::string_view text) {
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid;
}

// Up to the next tab; the rest stays in `line`.
std::string_view take_field(std::string_view& line) {
    const std::size_t end = std::min(line.find('\t'), line.size());
    const std::string_view field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return field;
}

void add(std::vector<std::string>& lines, std::string_view line, std::size_t count_max) {
    if (lines.size() < count_max) lines.emplace_back(line);
}

}  // namespace

struct EvidenceTaker::Program {
    Program(io::Loop& loop, io::FileDescriptor said, EvidenceTaker& owner)
        : lines([&owner](const std::string& line) { owner.read_line(line); }),
          output(loop, std::move(said),
                 {.on_data = [this](std::span<const char> bytes) { lines.feed(bytes); },
                  .on_closed = [](const auto&) {}}) {}

    io::LineSplitter lines;
    io::Stream output;
    std::unique_ptr<io::Process> process;
};

std::string python_stacks_file(const std::string& temporary_dir) {
    return temporary_dir + "/.windlass-python-stacks";
}

EvidenceTaker::EvidenceTaker(io::Loop& loop, EvidenceOrder order,
                             std::function<void(Evidence)> on_over)
    : loop_(loop),
      order_(std::move(order)),
      on_over_(std::move(on_over)),
      limit_timer_(loop, [this] { finish(false); }) {}

EvidenceTaker::~EvidenceTaker() = default;

void EvidenceTaker::start() {
    started_ = loop_.now();
    limit_timer_.start(order_.limit);
    if (const base::Result<void> spawned = spawn(); !spawned) {
        evidence_.missing.push_back(spawned.error().message);
        limit_timer_.start(base::Duration::zero());  // never from within start()
    }
}

base::Result<void> EvidenceTaker::spawn() {
    io::Pipe pipe = WL_TRY(io::make_pipe());
    const io::SpawnOrder order{
        .executable = order_.executable,
        .argv = {"windlass", "evidence", std::to_string(order_.pid), order_.python_file},
        .environment = own_environment(),
        .descriptors = {{.ours = pipe.write_end.number(), .theirs = 1}}};
    auto program = std::make_unique<Program>(loop_, std::move(pipe.read_end), *this);
    program->process = WL_TRY(io::Process::spawn(loop_, order, [this] {
        program_->output.drain(kEvidenceRest);
        const io::ExitStatus status = program_->process->reap();
        if (status.code != 0) {
            add(evidence_.missing, fmt::format("the search {}", io::to_text(status)), kMissingMax);
        }
        finish(status.code == 0);
    }));
    program_ = std::move(program);
    return {};
}

void EvidenceTaker::read_line(std::string_view line) {
    // The names in it come from the worker's own files.
    if (line.size() > size_left_) {
        if (!is_cut_) add(evidence_.missing, "what is beyond 256 KiB of text", kMissingMax);
        is_cut_ = true;
        return;
    }
    size_left_ -= line.size();
    const std::string_view kind = take_field(line);
    if (kind == "python") return add(evidence_.python_stacks, line, kPythonLinesMax);
    if (kind == "missing") return add(evidence_.missing, line, kMissingMax);
    if (kind == "thread" && evidence_.threads.size() < kThreadsMax) {
        ThreadEvidence& added = evidence_.threads.emplace_back();
        added.process = to_pid(take_field(line));
        added.thread = to_pid(take_field(line));
        added.state = take_field(line);
        added.wait_channel = take_field(line);
        added.name = line;
        return;
    }
    if (kind != "kernel" && kind != "native") return;
    const auto found =
        std::ranges::find(evidence_.threads, to_pid(take_field(line)), &ThreadEvidence::thread);
    if (found == evidence_.threads.end()) return;
    add(kind == "kernel" ? found->kernel_stack : found->native_stack, line, kFramesMax);
}

Evidence EvidenceTaker::take_partial() {
    if (program_) program_->output.drain(kEvidenceRest);
    evidence_.took = loop_.now() - started_;
    return std::move(evidence_);
}

void EvidenceTaker::finish(bool is_complete) {
    evidence_.is_complete = is_complete;
    evidence_.took = loop_.now() - started_;
    if (!is_complete && program_) {
        add(evidence_.missing,
            fmt::format("what was not found within {}: looking at it took too long",
                        base::to_text(order_.limit)),
            kMissingMax);
    }
    program_.reset();
    // Out of the object first: it may be destroyed meanwhile.
    const std::function<void(Evidence)> on_over = std::move(on_over_);
    Evidence evidence = std::move(evidence_);
    on_over(std::move(evidence));
}

}  // namespace windlass::worker
