// The system calls behind the access log.
#include "daemon/access_log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "daemon/access_line.h"
#include "io/wall_clock.h"

namespace windlass::daemon {
namespace {

constexpr base::Duration kRetryAfter = std::chrono::seconds{1};
// PIPE_BUF of Linux (pipe(7)): a pipe that poll() calls writable takes that much without blocking.
constexpr std::size_t kPipeBuf = 4096;

bool is_stdout(const std::string& path) { return path == "-"; }

base::Result<io::FileDescriptor> open_file(const std::string& path) {
    // Not O_NONBLOCK for stdout: the flag would hold for all who share it, a shell among them.
    io::FileDescriptor file{
        is_stdout(path)
            ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
            : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640)};
    if (file) return file;
    base::Error error = io::system_error(errno, "opening the access log " + path);
    error.message += "; set access_log under [daemon] to a file that can be written to";
    return error;
}

bool is_writable(int descriptor) {
    pollfd poll{.fd = descriptor, .events = POLLOUT, .revents = 0};
    return ::poll(&poll, 1, 0) > 0;
}

}  // namespace

base::Result<std::unique_ptr<AccessLog>> AccessLog::open(io::Loop& loop, const std::string& path,
                                                         LogFormat format) {
    io::FileDescriptor file = WL_TRY(open_file(path));
    return std::unique_ptr<AccessLog>{new AccessLog{loop, path, format, std::move(file)}};
}

AccessLog::AccessLog(io::Loop& loop, std::string path, LogFormat format, io::FileDescriptor file)
    : path_(std::move(path)),
      format_(format),
      file_(std::move(file)),
      flush_timer_(loop, [this] { flush(); }) {}

AccessLog::~AccessLog() { flush(); }

base::Result<void> AccessLog::reopen() {
    if (is_stdout(path_)) return {};
    flush();
    file_ = WL_TRY(open_file(path_));
    return {};
}

void AccessLog::write(const http::ExchangeRecord& record, std::string_view request_id) {
    const std::string line = access_line(record, request_id, io::wall_clock_ms(), format_);
    if (backlog_.size() + line.size() > kBacklogMax) {
        ++lost_;
        return;
    }
    if (backlog_.empty() && last_written_ != '\n') backlog_ = "\n";
    backlog_ += line;
    flush_soon();
}

// The lines of a turn go out together.
void AccessLog::flush_soon() {
    if (std::exchange(is_flush_due_, true)) return;
    flush_timer_.start(base::Duration{0});
}

// How much was taken; negative: nothing, as errno says.
ssize_t AccessLog::write_some() {
    if (!is_stdout(path_)) return ::write(file_.number(), backlog_.data(), backlog_.size());
    if (is_writable(file_.number())) {
        return ::write(file_.number(), backlog_.data(), std::min(backlog_.size(), kPipeBuf));
    }
    errno = EAGAIN;
    return -1;
}

void AccessLog::flush() {
    is_flush_due_ = false;
    while (!backlog_.empty()) {
        const ssize_t size = write_some();
        if (size > 0) {
            last_written_ = backlog_[static_cast<std::size_t>(size) - 1];
            backlog_.erase(0, static_cast<std::size_t>(size));
        } else if (size < 0 && errno == EINTR) {
            continue;
        } else if (size < 0 && errno == EAGAIN) {  // nobody reads; perhaps later
            is_flush_due_ = true;
            return flush_timer_.start(kRetryAfter);
        } else {
            return drop_backlog();
        }
    }
}

// The disk is full, or the reader is gone. A line that was cut off gets its end with the next one.
void AccessLog::drop_backlog() {
    lost_ += static_cast<std::uint64_t>(std::ranges::count(backlog_, '\n'));
    backlog_.clear();
}

}  // namespace windlass::daemon
