// The recording's file and its bounds.
#include "daemon/recorder.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/version.h"

namespace windlass::daemon {
namespace {

namespace log = base::log;
using namespace std::chrono_literals;

constexpr base::Duration kWriteWait = 1s;
constexpr std::size_t kEndSize = 64;  // more than the end of a recording takes
constexpr int kFilesMax = 10;         // of one name

Recorder* present = nullptr;  // whose file gets the last words of a failed assertion

// The daemon that crashed is started again by whatever supervises it: what it has left counts most.
base::Result<std::pair<io::FileDescriptor, std::string>> make_file(const std::string& wanted) {
    std::string path = wanted;
    for (int number = 1;; ++number) {
        io::FileDescriptor file{
            ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0640)};
        if (file) return std::pair{std::move(file), path};
        if (errno != EEXIST || number == kFilesMax) {
            base::Error error = io::system_error(errno, "making the recording " + path);
            error.message += number == kFilesMax
                                 ? "; remove earlier recordings, none is ever overwritten"
                                 : "; give --record a file in a folder that can be written to";
            return error;
        }
        path = fmt::format("{}.{}", wanted, number);
    }
}

}  // namespace

base::Result<std::unique_ptr<Recorder>> Recorder::open(const RecorderOptions& options,
                                                       recording::Origin origin) {
    auto [file, path] = WL_TRY(make_file(options.path));
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const recording::Head head{
        .version = std::string{base::version()},
        .commit = std::string{base::commit()},
        .begun_unix_s = std::chrono::duration_cast<std::chrono::seconds>(wall).count(),
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
    if (!is_over_) writer_.end(recording::RecordingEnd::stopped);
    give_all();
}

void Recorder::handle(core::Engine& engine, const core::Event& event, core::Instant now,
                      core::Commands& out) {
    if (is_over_) return engine.handle(event, now, out);
    std::string& pending = writer_.pending();
    const std::size_t before = pending.size();
    writer_.handle(engine, event, now, out);
    if (given_ + pending.size() + kEndSize <= limit_) return;
    pending.resize(before);  // without its commands an event would count as one that has none
    writer_.end(recording::RecordingEnd::limit);
    stop("its limit is reached; what happened until now can be replayed");
}

void Recorder::end_turn() {
    std::string& pending = writer_.pending();
    if (is_over_ && pending.empty()) return;
    const std::size_t size = pending.size();
    if (const auto failure = thread_.take_failure()) {
        pending = {};
        if (is_over_) return;  // all was told
        stop(io::system_error(*failure, "writing to it").message +
             "; what was written before can be replayed");
    } else if (size > 0 && thread_.give(std::move(pending))) {
        given_ += size;
        pending.clear();
    } else if (size > kBacklogMax) {
        pending = {};
        stop("its disk is too slow; what was written before can be replayed");
    }
}

void Recorder::give_all() { thread_.finish(std::move(writer_.pending()), kWriteWait); }

void Recorder::stop(const std::string& why) {
    is_over_ = true;
    log::warning("recording.stopped", {{"path", path_}, {"message", why}});
}

}  // namespace windlass::daemon
