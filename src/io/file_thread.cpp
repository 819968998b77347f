// The thread, and the mailboxes that it shares.
#include "io/file_thread.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <thread>
#include <utility>

#include "io/mailbox.h"

namespace windlass::io {
namespace {

// The errno of what failed; 0: all was written.
int write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::write(descriptor, bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return 0;
}

}  // namespace

struct FileThread::State {
    explicit State(FileDescriptor opened) : file(std::move(opened)) {}

    void run();
    void write(const std::vector<std::string>& batch);

    FileDescriptor file;
    bool has_failed = false;  // the thread's own
    Mailbox<std::string> pieces{kPiecesMax};
    Mailbox<std::string> last{1};
    Mailbox<int> failures{1};
    Mailbox<int> end{1};  // closed at the end of the thread
};

void FileThread::State::run() {
    while (true) {
        const std::vector<std::string> batch = pieces.wait(kPiecesMax);
        if (batch.empty()) break;
        write(batch);
    }
    write(last.take());
    // Some file systems tell only now that there is no room.
    if (::close(file.release()) != 0 && !has_failed) failures.post(int{errno});
    end.close();
}

void FileThread::State::write(const std::vector<std::string>& batch) {
    for (const std::string& piece : batch) {
        if (has_failed) return;
        const int failure = write_all(file.number(), piece);
        has_failed = failure != 0;
        if (has_failed) failures.post(int{failure});
    }
}

FileThread::FileThread(FileDescriptor file) : state_(std::make_shared<State>(std::move(file))) {
    // Signals are for the main thread; the mask is inherited.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread{[state = state_] { state->run(); }}.detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FileThread::~FileThread() { state_->pieces.close(); }

bool FileThread::give(std::string&& piece) { return state_->pieces.post(std::move(piece)); }

std::optional<int> FileThread::take_failure() {
    const std::vector<int> failures = state_->failures.take();
    return failures.empty() ? std::nullopt : std::optional{failures.front()};
}

bool FileThread::finish(std::string&& last, base::Duration limit) {
    state_->last.post(std::move(last));
    state_->pieces.close();
    state_->end.wait_for(limit);
    return state_->end.is_over();
}

}  // namespace windlass::io
