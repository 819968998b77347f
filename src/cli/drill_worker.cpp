// The hidden `windlass drill-worker LOG SIZE`: a model that does wrong what it is asked to. It
// writes down what it does in a log of its own, by which drills judge: lines of "WORD JOB PID NS".
//
// A request is "JOB DEED [VALUE]"; the table of deeds is at the end.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/ballast.h"
#include "cli/commands.h"
#include "cli/drill_log.h"
#include "io/file_descriptor.h"

namespace windlass::cli {
namespace {

constexpr int kExitStatus = 3;
constexpr int kTurnMs = 10;

volatile std::sig_atomic_t is_terminated = 0;

extern "C" void note_termination(int) { is_terminated = 1; }

class DrillWorker : public Ballast {
  public:
    DrillWorker(BallastSettings settings, std::string log)
        : Ballast(settings), log_(std::move(log)) {}

    worker::Outcome<void> load(const std::string& device) override {
        device_ = device;
        auto loaded = Ballast::load(device);
        note(loaded ? "loaded" : "refused", "-");
        return loaded;
    }

    worker::Outcome<worker::Answer> run(worker::Request& request) override {
        const Order order = read(request.body);
        if (order.deed.empty()) return Ballast::run(request);  // a plain call
        note("began", order.job);
        worker::Outcome<void> done;
        if (const auto deed = kDeeds.find(order.deed); deed != kDeeds.end()) {
            done = (this->*deed->second)(order);
        } else {
            done = worker::fail(worker::ErrorType::invalid_input, "no deed " + order.deed);
        }
        if (!done) {
            note("refused", order.job);
            return std::unexpected(done.error());
        }
        request.body = order.deed == "busy" ? order.value : "1";
        const auto answer = Ballast::run(request);
        if (!answer) return answer;
        note("ended", order.job);
        return worker::Answer{.body = fmt::format("{} {}\n", order.job, ::getpid()),
                              .content_type = "text/plain"};
    }

    void unload() override {
        taken_.clear();
        Ballast::unload();
    }

    worker::DeviceMemory read_device_memory() override {
        worker::DeviceMemory memory = Ballast::read_device_memory();
        for (const auto& piece : taken_) {
            const worker::DeviceMemory more = piece->read_device_memory();
            for (const auto& [sum, part] :
                 {std::pair{&memory.peak, more.peak}, std::pair{&memory.reserved, more.reserved},
                  std::pair{&memory.reserved_peak, more.reserved_peak}}) {
                *sum += part;
            }
        }
        return memory;
    }

  private:
    struct Order {
        std::string job;
        std::string deed;
        std::string value;
    };
    using Deed = worker::Outcome<void> (DrillWorker::*)(const Order&);
    static const std::map<std::string, Deed, std::less<>> kDeeds;

    static Order read(std::string_view text) {
        const std::size_t first = std::min(text.find(' '), text.size());
        const std::string_view rest = text.substr(std::min(first + 1, text.size()));
        const std::size_t second = std::min(rest.find(' '), rest.size());
        return {.job = std::string{text.substr(0, first)},
                .deed = std::string{rest.substr(0, second)},
                .value = std::string{rest.substr(std::min(second + 1, rest.size()))}};
    }

    // In one piece, so that lines of several processes do not mix.
    void note(std::string_view word, const std::string& job) const {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        const std::string line = fmt::format("{} {} {} {}\n", word, job, ::getpid(),
                                             std::chrono::nanoseconds{now}.count());
        const io::FileDescriptor file{
            ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
        if (file &&
            ::write(file.number(), line.data(), line.size()) == static_cast<ssize_t>(line.size()))
            return;
        // Whoever judges by the log would judge wrongly.
        std::fputs(("windlass drill-worker: cannot write to " + log_ + "\n").c_str(), stderr);
        ::_exit(1);
    }

    worker::Outcome<void> be_busy(const Order&) { return {}; }

    // No end, no progress, and no answer to SIGTERM; once.
    worker::Outcome<void> hang(const Order& order) {
        if (drill::count_lines(drill::read_log(log_), "began", order.job) > 1) return {};
        struct sigaction heard = {};
        heard.sa_handler = note_termination;
        ::sigaction(SIGTERM, &heard, nullptr);
        while (true) {
            // The signal may come to another thread, while somebody looks at this one.
            ::poll(nullptr, 0, kTurnMs);
            if (is_terminated != 0) note("asked", order.job);
            is_terminated = 0;
        }
    }

    worker::Outcome<void> die(const Order&) { ::_exit(kExitStatus); }

    worker::Outcome<void> grow(const Order& order) {
        worker::Outcome<void> taken = take_more(order.value);
        if (taken) give_back();
        return taken;
    }

    worker::Outcome<void> leak(const Order& order) { return take_more(order.value); }

    worker::Outcome<void> take_more(const std::string& size) {
        const auto bytes = base::parse_bytes(size);
        if (!bytes) return worker::fail(worker::ErrorType::invalid_input, "no size: " + size);
        auto piece = std::make_unique<Ballast>(BallastSettings{.bytes = *bytes});
        const worker::Outcome<void> loaded = piece->load(device_);
        if (loaded) taken_.push_back(std::move(piece));
        return loaded;
    }

    void give_back() {
        taken_.back()->unload();
        taken_.pop_back();
    }

    std::string log_;
    std::string device_;
    std::vector<std::unique_ptr<Ballast>> taken_;  // beside the weights
};

const std::map<std::string, DrillWorker::Deed, std::less<>> DrillWorker::kDeeds{
    {"busy", &DrillWorker::be_busy},  // VALUE: milliseconds
    {"hang", &DrillWorker::hang},     // in the job's first attempt
    {"exit", &DrillWorker::die},      // in each
    {"grow", &DrillWorker::grow},     // VALUE: so much more memory, for this run
    {"leak", &DrillWorker::leak},     // likewise, and never back
};

}  // namespace

int run_drill_worker(int count, char* const* arguments) {
    const auto size = base::parse_bytes(count == 2 ? arguments[1] : "");
    if (!size) {
        std::fputs("windlass drill-worker: write it as `windlass drill-worker LOG SIZE`\n", stderr);
        return 2;
    }
    DrillWorker worker{BallastSettings{.bytes = *size}, arguments[0]};
    return worker::serve(worker);
}

}  // namespace windlass::cli
