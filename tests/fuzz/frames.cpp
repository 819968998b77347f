// Fuzz target: what a worker writes into its channel, through the reader of frames and the
// conversation. However the bytes are cut, the same must come out.
#include <fmt/core.h>

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/overloaded.h"
#include "fuzz/target.h"
#include "wire/frame.h"
#include "worker/conversation.h"

namespace windlass {
namespace {

constexpr std::uint32_t kBodyMax = 1024;

// All frames of a stream, one after the other as they are written; `broken` when it is not one.
struct Frames {
    std::string bytes;
    std::size_t count = 0;
    bool broken = false;
    bool is_between = false;
};

Frames read_frames(const std::vector<std::string_view>& pieces, wire::Side sender) {
    wire::FrameReader reader{sender, kBodyMax};
    Frames frames;
    for (const std::string_view piece : pieces) {
        std::span<const char> input{piece};
        while (!frames.broken) {
            auto next = reader.next(input);
            frames.broken = !next;
            if (!next) break;
            const std::optional<wire::Frame> frame = std::move(*next);
            if (!frame) break;
            WL_ASSERT(frame->meta.size() <= wire::kMetaSizeMax);
            WL_ASSERT(frame->body.size() <= kBodyMax);
            WL_ASSERT(wire::find_sender(frame->type) == sender);
            frames.bytes += wire::encode(*frame);
            ++frames.count;
        }
        WL_ASSERT(frames.broken || input.empty());
    }
    frames.is_between = reader.is_between_frames();
    return frames;
}

// What was read, written again, is what was sent.
void check_reader(std::string_view bytes, const std::vector<std::string_view>& pieces) {
    for (const wire::Side sender : {wire::Side::worker, wire::Side::daemon}) {
        const Frames whole = read_frames({bytes}, sender);
        const Frames cut = read_frames(pieces, sender);
        WL_ASSERT(bytes.starts_with(whole.bytes));
        WL_ASSERT(whole.bytes == cut.bytes && whole.broken == cut.broken);
        WL_ASSERT(whole.broken || whole.is_between == (whole.bytes.size() == bytes.size()));
        WL_ASSERT(whole.is_between == cut.is_between);
    }
}

// A daemon of few words at the other end of the conversation: it loads after `hello`, hands over
// `run_count` runs after `loaded`, has the weights moved to and fro if it `moves`, and keeps its
// own books of what may come.
class Daemon {
  public:
    Daemon(unsigned run_count, bool loads_early, bool moves)
        : run_count_(run_count), moves_left_(moves ? 4 : 0) {
        if (loads_early) load();
    }

    void receive(std::string_view piece) {
        if (is_broken_) return;
        const auto received = conversation_.receive(std::span<const char>{piece});
        is_broken_ = !received;
        if (!received) said_ += "broken: " + base::to_text(received.error()) + "\n";
    }

    const std::string& said() const { return said_; }

    // Orders are frames of a daemon, each of them whole.
    void check_orders() const {
        const Frames orders = read_frames({orders_}, wire::Side::daemon);
        WL_ASSERT(!orders.broken && orders.is_between && orders.bytes == orders_);
    }

  private:
    void load() {
        orders_ += conversation_.load({.model = "m",
                                       .device = "cpu",
                                       .concurrency = 1,
                                       .body_max = base::Bytes{kBodyMax},
                                       .heartbeat = std::chrono::seconds{1}});
    }

    void hand_over() {
        const std::uint64_t request = ++last_request_;
        orders_ += conversation_.run(
            request, {.content_type = "a/b", .variant = {}, .timeout = std::chrono::seconds{1}}, 0);
        running_.insert(request);
    }

    // Once more each time, until it has been enough.
    void move() {
        if (moves_left_ == 0) return;
        --moves_left_;
        is_moving_ = true;
        orders_ += is_offloaded_ ? conversation_.restore() : conversation_.offload();
    }
    void on_move_end(std::string_view how, bool is_offloaded) {
        WL_ASSERT(is_moving_);
        is_moving_ = false;
        is_offloaded_ = is_offloaded;
        said_ += fmt::format("{}\n", how);
        move();
    }
    template <class Moved>
    void on_moved(std::string_view how, const Moved& event, bool is_offloaded) {
        WL_ASSERT(is_offloaded != is_offloaded_);
        for (const std::uint64_t request : started_) WL_ASSERT(!running_.contains(request));
        said_ += fmt::format("{} {} {}\n", event.duration.count(),
                             event.before.value_or(base::Bytes{7}).count(),
                             event.after.value_or(base::Bytes{7}).count());
        on_move_end(how, is_offloaded);
    }

    void on(const worker::Hello& event) {
        WL_ASSERT(!has_greeted_);
        has_greeted_ = true;
        said_ += fmt::format("hello {} {} {} {}\n", event.pid, event.sdk, event.runtime,
                             event.can_offload);
        if (orders_.empty()) load();
    }
    void on(const worker::Loaded&) {
        WL_ASSERT(has_greeted_ && last_request_ == 0);
        said_ += "loaded\n";
        for (unsigned i = 0; i < run_count_; ++i) hand_over();
        if (run_count_ > 2) orders_ += worker::Conversation::recall(last_request_);
        if (run_count_ > 1) orders_ += worker::Conversation::cancel(1);
        move();
    }
    void on(const worker::Offloaded& event) { on_moved("offloaded", event, true); }
    void on(const worker::Restored& event) { on_moved("restored", event, false); }
    void on(const worker::OffloadFailed& event) {
        on_move_end(base::to_text(event.error), is_offloaded_);
    }
    void on(const worker::RestoreFailed& event) {
        on_move_end(base::to_text(event.error), is_offloaded_);
    }
    void on(const worker::Started& event) {
        WL_ASSERT(running_.contains(event.request) && !is_offloaded_);
        const bool is_first = started_.insert(event.request).second;
        WL_ASSERT(is_first);
        said_ += fmt::format("started {}\n", event.request);
    }
    void on(const worker::Answered& event) {
        WL_ASSERT(has_greeted_ && wire::is_header_text(event.content_type));
        WL_ASSERT(event.body.size() <= kBodyMax);
        said_ += fmt::format("answered {} {} {}\n", event.request, event.content_type, event.body);
        if (running_.erase(event.request) > 0 && last_request_ < 20) hand_over();
    }
    void on(const worker::Failed& event) {
        said_ += fmt::format("failed {} {}\n", event.request, base::to_text(event.error));
        running_.erase(event.request);
    }
    void on(const worker::Progressed& event) {
        WL_ASSERT(event.request == 0 || running_.contains(event.request));
        said_ += fmt::format("progress {} {} {} {}\n", event.request, event.step.value_or(7),
                             event.total.value_or(7), event.phase.value_or("-"));
    }
    void on(const worker::Adjusted& event) {
        WL_ASSERT(running_.contains(event.request));
        said_ += fmt::format("settings {} {}\n", event.request, event.settings);
    }
    void on(const worker::Recalled& event) {
        const bool was_running = running_.contains(event.request);
        WL_ASSERT(!event.recalled || (was_running && !started_.contains(event.request)));
        if (event.recalled) running_.erase(event.request);
        said_ += fmt::format("recalled {} {}\n", event.request, event.recalled);
    }
    void on(const worker::Printed& event) {
        WL_ASSERT(event.line.size() <= wire::kMetaSizeMax);
        said_ += event.line + "\n";
    }
    // These come from the process and its channel, never from a frame.
    static void on(const worker::ChannelLost&) { WL_ASSERT(false); }
    static void on(const worker::LaunchFailed&) { WL_ASSERT(false); }
    static void on(const worker::HostMemoryExceeded&) { WL_ASSERT(false); }
    static void on(const worker::Exited&) { WL_ASSERT(false); }
    static void on(const worker::EvidenceTaken&) { WL_ASSERT(false); }

    unsigned run_count_;
    unsigned moves_left_;
    bool is_moving_ = false;
    bool is_offloaded_ = false;
    worker::Conversation conversation_{
        1, "m",
        [this](worker::Event event) { std::visit([this](const auto& e) { this->on(e); }, event); }};
    std::string said_;
    std::string orders_;
    std::set<std::uint64_t> running_;
    std::set<std::uint64_t> started_;
    std::uint64_t last_request_ = 0;
    bool has_greeted_ = false;
    bool is_broken_ = false;
};

}  // namespace
}  // namespace windlass

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace windlass;
    fuzz::Input input{data, size};
    const std::uint8_t seed = input.take_byte();
    const std::uint8_t plan = input.take_byte();
    const std::string_view bytes = input.rest();
    const std::vector<std::string_view> pieces = fuzz::cut(bytes, seed, 64);
    check_reader(bytes, pieces);

    Daemon at_once{plan & 7U, (plan & 8U) != 0, (plan & 16U) != 0};
    at_once.receive(bytes);
    Daemon in_pieces{plan & 7U, (plan & 8U) != 0, (plan & 16U) != 0};
    for (const std::string_view piece : pieces) in_pieces.receive(piece);
    WL_ASSERT(at_once.said() == in_pieces.said());
    at_once.check_orders();
    return 0;
}
