// A worker that does wrong what can be done wrong. It speaks frames by itself.
//
//     windlass-misbehaving-worker [WORD]
//
// The first word of a run's body names what it does in that run, WORD what it does before any; the
// table at the end has them all. "once PATH WORD": only if PATH is not there yet, which it makes.
// What has nothing to do with dying or hanging is followed by a sound answer.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "wire/frame.h"
#include "wire/frame_meta.h"

namespace {

namespace wire = windlass::wire;
using wire::FrameType;
using namespace std::string_view_literals;

int channel = -1;
std::uint64_t run_id = 0;  // of the run that goes on
std::string rest;          // what stood behind the word

void put(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count <= 0) ::_exit(9);  // the daemon is gone, or wants nothing more
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void send(FrameType type, std::uint64_t id, std::string_view meta = "{}", std::string body = "") {
    put(channel, wire::encode_head(type, id, meta, body.size()) + body);
}

void answer(std::string body = "sound") {
    send(FrameType::result, run_id, R"({"content_type":"text/plain"})", std::move(body));
}

void fail(std::string_view type) {
    send(FrameType::error, run_id,
         R"({"type":")" + std::string{type} + R"(","message":"the context is poisoned"})");
}

// A header with any numbers in it.
std::string header(unsigned type, unsigned version, unsigned reserved, std::size_t meta_size,
                   std::size_t body_size) {
    std::string bytes = wire::encode_head(FrameType::result, run_id, "");
    bytes[0] = static_cast<char>(type);
    bytes[1] = static_cast<char>(version);
    bytes[2] = static_cast<char>(reserved);
    for (unsigned byte = 0; byte < 4; ++byte) {
        bytes[4 + byte] = static_cast<char>(meta_size >> (8 * byte));
        bytes[8 + byte] = static_cast<char>(body_size >> (8 * byte));
    }
    return bytes;
}

[[noreturn]] void live_on() {
    while (true) ::pause();
}

void die_by(int signal) {
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

void ignore_sigterm() {
    std::signal(SIGTERM, SIG_IGN);
    live_on();
}

void leave_child(bool in_own_session) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGTERM, SIG_IGN);
        if (in_own_session) ::setsid();
        live_on();  // with every descriptor of the worker, the channel among them
    }
    answer(std::to_string(child));
}

void eat_descriptors() {
    int count = 0;
    while (::open("/dev/null", O_RDONLY) >= 0) ++count;
    answer(std::to_string(count));
}

void eat_channel_numbers() {
    std::array<int, 2> pair = {};
    int count = 0;
    while (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0) ++count;
    answer(std::to_string(count));
}

void print(std::string_view piece, std::size_t size) {
    std::string text;
    while (text.size() < size) text += piece;
    put(1, text);
    put(2, text);
    answer();
}

void flood(FrameType type, std::uint64_t id, std::string_view meta) {
    std::string frames;
    for (int count = 0; count < 20'000; ++count) frames += wire::encode_head(type, id, meta);
    put(channel, frames);
    answer();
}

void answer_slowly() {
    const std::string frame =
        wire::encode_head(FrameType::result, run_id, R"({"content_type":"a/b"})", 4) + "slow";
    for (const char byte : frame) {
        put(channel, {&byte, 1});
        ::poll(nullptr, 0, 1);  // lint: sleep is the subject
    }
}

void send_half_body() {
    put(channel,
        wire::encode_head(FrameType::result, run_id, R"({"content_type":"a/b"})", 100) + "half");
}

void close_channel() {
    ::close(channel);
    live_on();
}

using Deed = std::function<void()>;

Deed then_hang(Deed deed) {
    return [deed = std::move(deed)] {
        deed();
        live_on();
    };
}

const std::map<std::string, Deed, std::less<>> kDeeds{
    // Bytes that are no frame, or not a frame for now.
    {"garbage", then_hang([] { put(channel, std::string(1000, '\xA5')); })},
    {"http", then_hang([] { put(channel, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); })},
    {"bad-version", then_hang([] { put(channel, header(4, 9, 0, 0, 0)); })},
    {"bad-reserved", then_hang([] { put(channel, header(4, 1, 7, 0, 0)); })},
    {"unknown-type", then_hang([] { put(channel, header(99, 1, 0, 0, 0)); })},
    {"type-of-daemon", then_hang([] { put(channel, header(66, 1, 0, 0, 0)); })},
    {"reserved-type", then_hang([] { send(FrameType::chunk, run_id); })},
    {"large-meta", then_hang([] { put(channel, header(4, 1, 0, 65'537, 0)); })},
    {"large-body", then_hang([] { put(channel, header(4, 1, 0, 0, 0xFFFFFFFF)); })},
    {"body-of-started", then_hang([] { send(FrameType::started, run_id, "{}", "x"); })},
    {"meta-no-json", then_hang([] { send(FrameType::result, run_id, "{{{{"); })},
    {"meta-nested", then_hang([] { send(FrameType::result, run_id, std::string(60'000, '[')); })},
    {"meta-bad-utf8", then_hang([] { send(FrameType::error, run_id, "{\"type\":\"\xff\"}"); })},
    {"no-content-type", then_hang([] { send(FrameType::result, run_id); })},
    {"evil-content-type",
     then_hang([] { send(FrameType::result, run_id, R"({"content_type":"a/b\r\nX-Evil: 1"})"); })},
    {"hello-again", then_hang([] { send(FrameType::hello, 0); })},
    {"loaded-again", then_hang([] { send(FrameType::loaded, 0); })},
    {"started-twice", then_hang([] { send(FrameType::started, run_id); })},
    {"started-unknown", then_hang([] { send(FrameType::started, run_id + 1000); })},
    {"recalled-begun",
     then_hang([] { send(FrameType::recalled, run_id, R"({"recalled":true})"); })},
    {"error-of-nothing",
     then_hang([] { send(FrameType::error, 0, R"({"type":"internal","message":"m"})"); })},
    {"half-header", then_hang([] { put(channel, header(4, 1, 0, 0, 0).substr(0, 7)); })},
    {"half-body", then_hang(send_half_body)},
    {"half-body-and-exit",
     [] {
         send_half_body();
         ::_exit(0);
     }},
    // What harms nobody.
    {"twice",
     [] {
         answer("first");
         answer("second");
     }},
    {"answer-unknown",
     [] {
         send(FrameType::result, run_id + 1000, R"({"content_type":"a/b"})", "whose?");
         answer();
     }},
    {"error-unknown",
     [] {
         send(FrameType::error, run_id + 1000, R"({"type":"internal","message":"whose?"})");
         answer();
     }},
    {"slow", answer_slowly},
    {"flood-heartbeat", [] { flood(FrameType::heartbeat, 0, ""); }},
    {"flood-progress", [] { flood(FrameType::progress, run_id, R"({"step":1})"); }},
    {"flood-recalled", [] { flood(FrameType::recalled, run_id, R"({"recalled":false})"); }},
    {"print-garbage", [] { print("\0\x01\xff\x80 \x1b[2J\r\n"sv, 100'000); }},
    {"print-endless", [] { print("no end of this line ", 8 << 20); }},
    {"eat-descriptors", eat_descriptors},
    {"eat-sockets", eat_channel_numbers},
    {"leave-child", [] { leave_child(false); }},
    {"leave-session", [] { leave_child(true); }},
    // Silence and death.
    {"close-channel", close_channel},
    {"answer-and-close",
     [] {
         answer();
         close_channel();
     }},
    {"never-read", then_hang([] { answer(); })},
    {"hang", [] { live_on(); }},
    {"ignore-sigterm", ignore_sigterm},
    {"exit", [] { ::_exit(3); }},
    {"exit-0", [] { ::_exit(0); }},
    {"abort", [] { die_by(SIGABRT); }},
    {"segfault", [] { die_by(SIGSEGV); }},
    {"kill", [] { ::raise(SIGKILL); }},
    {"stop-itself", [] { ::raise(SIGSTOP); }},
    {"context-lost", [] { fail("context_lost"); }},
    {"device-lost", [] { fail("device_lost"); }},
};

void perform(std::string_view text) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    rest = text.substr(std::min(end + 1, text.size()));
    if (word == "once") {
        const std::size_t space = rest.find(' ');
        const std::string path = rest.substr(0, space);
        const int mark = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (mark < 0) return answer();
        ::close(mark);
        return perform(std::string{rest}.substr(space + 1));
    }
    const auto deed = kDeeds.find(word);
    if (deed == kDeeds.end()) return answer("no such word: " + std::string{word});
    deed->second();
}

void handle(const wire::Frame& frame) {
    if (frame.type == FrameType::load) return send(FrameType::loaded, 0);
    if (frame.type == FrameType::stop) ::_exit(0);
    if (frame.type == FrameType::recall) {
        return send(FrameType::recalled, frame.id, R"({"recalled":false})");
    }
    if (frame.type != FrameType::run) return;
    run_id = frame.id;
    send(FrameType::started, run_id);
    perform(frame.body);
}

void serve() {
    wire::FrameReader reader{wire::Side::daemon, 1 << 30};
    std::array<char, 65'536> buffer;
    while (true) {
        const ssize_t count = ::read(channel, buffer.data(), buffer.size());
        if (count <= 0) return;
        std::span<const char> bytes{buffer.data(), static_cast<std::size_t>(count)};
        while (true) {
            const auto frame = reader.next(bytes);
            if (!frame) return;
            if (!*frame) break;
            handle(**frame);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
    const char* const number = std::getenv("WINDLASS_CHANNEL");
    if (number == nullptr) return 2;
    const std::string_view text = number;
    std::from_chars(text.data(), text.data() + text.size(), channel);
    std::signal(SIGPIPE, SIG_IGN);
    if (argc > 1) perform(argv[1]);
    send(FrameType::hello, 0,
         wire::to_json(wire::Hello{
             .protocol = 1, .sdk = "misbehaving/1", .pid = ::getpid(), .runtime = "none"}));
    serve();
    return 0;
}
