// The model of the worker contract, in C++; tests/contract/worker/conformance_model.py is its twin
// and says what each word does.
#include <windlass/device_allocator.h>
#include <windlass/offload.h>
#include <windlass/worker.h>

#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <sstream>
#include <stdexcept>

namespace {

namespace worker = windlass::worker;
using worker::Answer;
using worker::ErrorType;
using worker::Outcome;
using worker::Request;

int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string environment(const char* name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

void say(const std::string& line) { std::puts(line.c_str()); }

void pass_gate() {
    static const int kGate = number(environment("TEST_GATE"));
    // Not in read(): there the thread sanitizer keeps signals back until it returns.
    pollfd gate{.fd = kGate, .events = POLLIN, .revents = 0};
    while (::poll(&gate, 1, -1) < 0 && errno == EINTR) continue;
    char byte = 0;
    static_cast<void>(::read(kGate, &byte, 1));
}

bool is_listed(const std::string& name, const char* variable) {
    std::istringstream words{environment(variable)};
    for (std::string word; words >> word;) {
        if (word == name) return true;
    }
    return false;
}

Outcome<void> enter_hook(const std::string& name, const std::string& detail = "") {
    say(detail.empty() ? name : name + " " + detail);
    if (is_listed(name, "GATED")) pass_gate();
    if (is_listed(name, "FAILING")) {
        return std::unexpected(worker::Error{
            .type = ErrorType::unavailable, .message = "no " + name + " today", .reason = "asked"});
    }
    if (is_listed(name, "RAISING")) throw std::invalid_argument("no " + name + " today");
    return {};
}

// Of the end, where there is nobody to tell.
void enter_last_hook(const std::string& name) {
    [[maybe_unused]] const Outcome<void> outcome = enter_hook(name);
}

const std::map<std::string, ErrorType, std::less<>> kTypes{
    {"invalid_input", ErrorType::invalid_input},
    {"permission_denied", ErrorType::permission_denied},
    {"not_found", ErrorType::not_found},
    {"conflict", ErrorType::conflict},
    {"queue_full", ErrorType::queue_full},
    {"unavailable", ErrorType::unavailable},
    {"out_of_memory", ErrorType::out_of_memory},
    {"host_out_of_memory", ErrorType::host_out_of_memory},
    {"transient", ErrorType::transient},
    {"device_lost", ErrorType::device_lost},
    {"driver_missing", ErrorType::driver_missing},
    {"timeout", ErrorType::timeout},
    {"stalled", ErrorType::stalled},
    {"cancelled", ErrorType::cancelled},
    {"worker_lost", ErrorType::worker_lost},
    {"context_lost", ErrorType::context_lost},
    {"unsupported", ErrorType::unsupported},
    {"data_corrupt", ErrorType::data_corrupt},
    {"internal", ErrorType::internal},
};

Answer bytes(std::string body) { return Answer{.body = std::move(body)}; }

Outcome<Answer> describe(Request& request) {
    if (!request.deadline) return worker::fail(ErrorType::internal, "no deadline");
    const auto left = *request.deadline - std::chrono::steady_clock::now();
    const bool is_within = left > std::chrono::seconds{0} && left <= std::chrono::seconds{60};
    return bytes(request.variant.value_or("None") + " " + request.content_type + " " +
                 (is_within ? "True" : "False"));
}

Outcome<Answer> heed_cancel(Request& request) {
    say("looking");
    while (!request.cancelled()) pass_gate();
    return worker::fail(ErrorType::cancelled, "heeded");
}

Outcome<Answer> fail_as(std::string_view type) {
    return std::unexpected(worker::Error{.type = kTypes.find(type)->second,
                                         .message = "as asked",
                                         .reason = "why",
                                         .retry_after = std::chrono::milliseconds{2500}});
}

Outcome<Answer> report_progress(Request& request) {
    request.progress({.step = 1, .total = 3, .phase = "encode"});
    worker::progress({.phase = "decode"});
    return bytes("");
}

Outcome<Answer> print_garbage() {
    constexpr std::string_view kPiece{"\0\x01\xff no frame", 12};
    std::string text;
    for (int count = 0; count < 1000; ++count) text += kPiece;
    for (const int descriptor : {1, 2}) {
        static_cast<void>(::write(descriptor, text.data(), text.size()));
    }
    return bytes("printed");
}

Outcome<Answer> leave_child() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(1);
        ::close(2);
        pass_gate();
        ::_exit(0);
    }
    return bytes(std::to_string(child));
}

Outcome<Answer> look_for_channel() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe,bugprone-command-processor): a shell is the subject
    std::FILE* const output = ::popen("env; ls -l /proc/self/fd", "r");
    if (output == nullptr) return worker::fail(ErrorType::internal, "no shell");
    std::string text;
    std::array<char, 4096> piece;
    while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), output)) {
        text.append(piece.data(), size);
    }
    ::pclose(output);
    const bool is_seen = text.contains("WINDLASS_CHANNEL") || text.contains("socket:");
    return bytes(is_seen ? "seen" : "hidden");
}

std::string find_thread() { return ::getpid() == ::gettid() ? "main" : "pool"; }

// What can be done to a model whether or not it can be offloaded.
class Hooks {
  public:
    static Outcome<void> load(const std::string& device) {
        worker::progress({.step = 1, .total = 2, .phase = "weights"});
        return enter_hook("load", device);
    }

    Outcome<Answer> run(Request& request) {
        const std::size_t end = std::min(request.body.find(' '), request.body.size());
        const std::string word = request.body.substr(0, end);
        std::string rest = request.body.substr(std::min(end + 1, request.body.size()));
        if (word == "echo") return bytes(std::move(rest));
        if (word == "large") return bytes(std::string(std::stoul(rest), 'x'));
        if (word == "describe") return describe(request);
        if (word == "where") return bytes(find_thread());
        if (word == "gate") return wait_at_gate();
        if (word == "heed-cancel") return heed_cancel(request);
        if (word == "fail") return fail_as(rest);
        if (word == "raise") throw std::invalid_argument(rest);
        if (word == "exhaust") throw std::bad_alloc();
        if (word == "long-error") {
            return worker::fail(ErrorType::not_found, std::string(1'000'000, '\0'));
        }
        if (word == "bad-text") return worker::fail(ErrorType::not_found, "a file called \xff");
        if (word == "progress") return report_progress(request);
        if (word == "print") return print_garbage();
        if (word == "leave-child") return leave_child();
        if (word == "environment") return look_for_channel();
        return worker::fail(ErrorType::unsupported, word);
    }

  private:
    Outcome<Answer> wait_at_gate() {
        {
            const std::lock_guard lock{mutex_};
            inside_max_ = std::max(inside_max_, ++inside_);
        }
        say("inside");
        pass_gate();
        const std::lock_guard lock{mutex_};
        --inside_;
        return bytes(std::to_string(inside_max_));
    }

    std::mutex mutex_;
    int inside_ = 0;
    int inside_max_ = 0;
};

template <class Base>
class Served : public Base {
  public:
    Outcome<void> start() override { return enter_hook("start"); }
    Outcome<void> load(const std::string& device) override { return Hooks::load(device); }
    Outcome<Answer> run(Request& request) override { return hooks_.run(request); }
    void unload() override { enter_last_hook("unload"); }
    void exit() override { enter_last_hook("exit"); }

  private:
    Hooks hooks_;
};

class Conformance : public Served<worker::OffloadableModel> {
  public:
    Outcome<void> offload() override {
        worker::progress({.phase = "out"});
        return enter_hook("offload", find_thread());
    }
    Outcome<void> restore(const std::string& device) override {
        return enter_hook("restore", device);
    }
};

class MeasuredConformance : public Conformance, public worker::DeviceAllocator {
  public:
    Outcome<void> load(const std::string& device) override {
        take(kWeights);
        return Conformance::load(device);
    }
    Outcome<Answer> run(Request& request) override {
        if (request.body.starts_with("take ")) {
            const std::uint64_t bytes = std::stoul(request.body.substr(5));
            const std::lock_guard lock{mutex_};
            take(bytes);
            used_ -= bytes;
            return Answer{};
        }
        if (request.body == "drop") {
            const std::lock_guard lock{mutex_};
            memory_.reserved = used_;
            return Answer{};
        }
        return Conformance::run(request);
    }
    Outcome<void> offload() override {
        used_ -= kWeights;
        memory_.reserved = used_;
        return Conformance::offload();
    }
    Outcome<void> restore(const std::string& device) override {
        take(kWeights);
        return Conformance::restore(device);
    }
    void reset_device_peak() override {
        if (environment("ALLOCATOR") == "broken") throw std::runtime_error("no peak today");
        const std::lock_guard lock{mutex_};
        memory_.peak = used_;
        memory_.reserved_peak = memory_.reserved;
    }
    worker::DeviceMemory read_device_memory() override {
        const std::lock_guard lock{mutex_};
        return memory_;
    }

  private:
    static constexpr std::uint64_t kWeights = 1000;

    void take(std::uint64_t bytes) {
        used_ += bytes;
        memory_.peak = std::max(memory_.peak, used_);
        memory_.reserved = std::max(memory_.reserved, used_);
        memory_.reserved_peak = std::max(memory_.reserved_peak, memory_.reserved);
    }

    std::mutex mutex_;
    std::uint64_t used_ = 0;
    worker::DeviceMemory memory_;
};

}  // namespace

int main() {
    if (!environment("FIXED").empty()) {
        Served<worker::Model> fixed;
        return worker::serve(fixed);
    }
    if (!environment("ALLOCATOR").empty()) {
        MeasuredConformance measured;
        return worker::serve(measured);
    }
    Conformance conformance;
    return worker::serve(conformance);
}
