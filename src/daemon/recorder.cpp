// The recording's file and its bounds.
#include "daemon/recorder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/version.h"
#include "io/wall_clock.h"

namespace windlass::daemon {
namespace {

namespace log = base::log;
using namespace std::chrono_literals;

constexpr base::Duration kWriteWait = 1s;
constexpr std::size_t kEndSize = 64;  // more than the end of a recording takes
constexpr int kFilesMax = 10;         // of one name
constexpr const char* kReplayable = "; what was written before can be replayed";

Recorder* present = nullptr;  // whose file gets the last words of a failed assertion

struct NewFile {
    io::FileDescriptor file;  // none: all names are taken
    std::string path;
};

// The daemon that crashed is started again by whatever supervises it: what it has left counts most.
base::Result<NewFile> make_file(const std::string& wanted) {
    std::string path = wanted;
    for (int number = 1; number <= kFilesMax; ++number) {
        io::FileDescriptor file{
            ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600)};
        if (file) return NewFile{std::move(file), std::move(path)};
        if (errno != EEXIST) {
            base::Error error = io::system_error(errno, "making the recording " + path);
            error.message += "; give --record a file in a folder that can be written to";
            return error;
        }
        path = fmt::format("{}.{}", wanted, number);
    }
    return NewFile{{}, wanted};
}

void tell_end(const std::string& path, const std::string& why) {
    log::warning("recording.stopped", {{"path", path}, {"message", why}});
}

}  // namespace

base::Result<std::unique_ptr<Recorder>> Recorder::open(const RecorderOptions& options,
                                                       recording::Origin origin) {
    auto [file, path] = WL_TRY(make_file(options.path));
    if (!file) {
        tell_end(path,
                 "nothing is recorded: there are ten recordings of that name, and none is ever "
                 "overwritten; remove some");
        return nullptr;
    }
    const recording::Head head{.version = std::string{base::version()},
                               .commit = std::string{base::commit()},
                               .begun_unix_s = io::wall_clock_ms() / 1000,
                               .origin = std::move(origin)};
    log::info("recording.started", {{"path", path}, {"limit", options.limit}});
    return std::unique_ptr<Recorder>{
        new Recorder{std::move(file), std::move(path), options.limit, head}};
}

Recorder::Recorder(io::FileDescriptor file, std::string path, base::Bytes limit,
                   const recording::Head& head)
    : path_(std::move(path)), limit_(limit.count()), writer_(head), thread_(std::move(file)) {
    present = this;
    base::set_assertion_hook([](const char*, const char*, int) {
        if (present != nullptr) present->give_all();
    });
}

Recorder::~Recorder() {
    base::set_assertion_hook(nullptr);
    present = nullptr;
    const bool is_whole = !is_over_;
    if (is_whole) writer_.end(recording::RecordingEnd::stopped);
    const bool is_written = give_all();
    if (!has_turned_) {
        ::unlink(path_.c_str());
    } else if (const auto failure = thread_.take_failure()) {
        stop(io::system_error(*failure, "writing to it").message + kReplayable);
    } else if (is_whole && !is_written) {
        stop(fmt::format("its disk is too slow{}", kReplayable));
    }
}

void Recorder::handle(core::Engine& engine, const core::Event& event, core::Instant now,
                      core::Commands& out) {
    if (is_over_) return engine.handle(event, now, out);
    std::string& pending = writer_.pending();
    const std::size_t before = pending.size();
    try {
        writer_.handle(engine, event, now, out);
    } catch (const std::exception& broken) {  // the daemon would end by it, without last words
        base::assertion_failed(broken.what(), __FILE__, __LINE__);
    }
    if (given_ + pending.size() + kEndSize <= limit_) return;
    pending.resize(before);  // without its commands an event would count as one that has none
    writer_.end(recording::RecordingEnd::limit);
    stop("its limit is reached; what happened until now can be replayed");
}

void Recorder::end_turn() {
    has_turned_ = true;
    std::string& pending = writer_.pending();
    const std::size_t size = pending.size();
    if (const auto failure = thread_.take_failure()) {
        pending = {};
        stop(io::system_error(*failure, "writing to it").message + kReplayable);
    } else if (size > 0 && thread_.give(std::move(pending))) {
        given_ += size;
        pending.clear();
    } else if (size > kBacklogMax) {
        pending = {};
        stop(fmt::format("its disk is too slow{}", kReplayable));
    }
}

bool Recorder::give_all() {
    return thread_.finish(std::exchange(writer_.pending(), {}), kWriteWait);
}

void Recorder::stop(const std::string& why) {
    is_over_ = true;
    tell_end(path_, why);
}

}  // namespace windlass::daemon
