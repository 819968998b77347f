// Asks, waits, and gives up.
#include "device/host_link.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "io/loop.h"
#include "wire/frame_meta.h"

namespace windlass::device {
namespace {

using base::Errc;

// A start that failed may find what it lacked a moment later.
constexpr base::Duration kFailedStartPause = std::chrono::seconds{1};

std::string name_of(const DriverHostOrder& order) {
    return order.device.empty() ? "the driver host that lists the devices"
                                : "the driver host of " + order.device;
}

}  // namespace

HostLink::HostLink(io::Loop& loop, HostProcesses& processes, DriverHostOrder order,
                   HostLimits limits)
    : loop_(loop),
      processes_(processes),
      order_(std::move(order)),
      limits_(limits),
      timer_(loop,
             [this] {
                 if (refusal_) return answer(*refusal_);
                 lose(base::fail(Errc::timeout,
                                 fmt::format("{} did not answer within {}: its driver hangs",
                                             name_of(order_), base::to_text(answer_limit()))));
             }),
      bury_(loop, [this] { ended_.clear(); }) {}

HostLink::~HostLink() {
    if (running_) processes_.abandon(running_->number);
}

std::optional<pid_t> HostLink::pid() const {
    if (!running_) return std::nullopt;
    return running_->pid;
}

bool HostLink::has_stuck() const {
    return std::ranges::any_of(stuck_,
                               [this](std::uint64_t number) { return processes_.has(number); });
}

void HostLink::ask(wire::HostFrameType question, std::string meta, Reply reply) {
    WL_ASSERT(!reply_);
    reply_ = std::move(reply);
    expected_ = question == wire::HostFrameType::ask_listing ? wire::HostFrameType::listing
                                                             : wire::HostFrameType::sample;
    const base::Result<void> there = ensure_process();
    if (!there) return refuse(there.error());
    // Fails only when a host answers without ever reading what it was asked.
    const base::Result<void> written =
        running_->stream->write(wire::encode({question, ++last_id_, std::move(meta)}));
    if (!written) return refuse(written.error());
    timer_.start(answer_limit());
}

base::Duration HostLink::answer_limit() const {
    return running_ && running_->has_answered ? limits_.answer : limits_.first_answer;
}

// In a turn of its own: no reply comes from within ask().
void HostLink::refuse(base::Error error) {
    refusal_ = std::move(error);
    timer_.start(base::Duration::zero());
}

base::Result<void> HostLink::ensure_process() {
    if (running_) return {};
    const base::Instant now = loop_.now();
    std::erase_if(stuck_, [this](std::uint64_t number) { return !processes_.has(number); });
    if (stuck_.size() >= kStuckMax) {
        return base::fail(Errc::unavailable,
                          fmt::format("{} of {} hang in the kernel and cannot be killed; the "
                                      "driver needs its operator",
                                      stuck_.size(), name_of(order_)));
    }
    if (not_before_ && now < *not_before_) {
        return base::fail(Errc::unavailable,
                          fmt::format("{}; the next one is started in {}", last_failure_,
                                      base::to_text(*not_before_ - now)));
    }
    started_ = now;
    base::Result<HostProcesses::Started> started =
        processes_.start(order_, [this](const io::ExitStatus& status) {
            lose(base::fail(Errc::worker_lost,
                            fmt::format("{} {}", name_of(order_), io::to_text(status))));
        });
    if (!started) {
        last_failure_ = name_of(order_) + " cannot be started: " + started.error().message;
        not_before_ = now + std::min(kFailedStartPause, limits_.restart_pause);
        return base::fail(Errc::unavailable, last_failure_);
    }
    running_ = std::make_unique<Running>();
    running_->number = started->number;
    running_->pid = started->pid;
    running_->stream = std::make_unique<io::Stream>(
        loop_, std::move(started->channel),
        io::StreamHandlers{.on_data = [this](std::span<const char> bytes) { on_data(bytes); },
                           // Its exit follows at once and says more, or it has closed what it must
                           // not close: then the deadline of the next question ends it.
                           .on_closed = [](const std::optional<base::Error>&) {}});
    return {};
}

void HostLink::on_data(std::span<const char> bytes) {
    while (running_) {
        base::Result<std::optional<wire::HostFrame>> read = running_->reader.next(bytes);
        if (!read) return lose(read.error());
        std::optional<wire::HostFrame>& frame = *read;
        if (!frame) return;
        wire::HostFrame& said = *frame;
        const bool is_answer = said.type == expected_ || said.type == wire::HostFrameType::failed;
        if (!reply_ || said.id != last_id_ || !is_answer) {
            return lose(base::fail(Errc::data_corrupt,
                                   fmt::format("{} answered what it was not asked ({}, id {})",
                                               name_of(order_), to_text(said.type), said.id)));
        }
        if (!bytes.empty()) {
            return lose(base::fail(Errc::data_corrupt,
                                   fmt::format("{} said more than it was asked", name_of(order_))));
        }
        running_->has_answered = true;
        if (said.type != wire::HostFrameType::failed) {
            answer(std::move(said.meta));
            continue;
        }
        auto remote = wire::parse_error(said.meta);
        if (!remote) return lose(remote.error());
        answer(std::move(remote->error));
    }
}

void HostLink::lose(base::Error error) {
    last_failure_ = error.message;
    if (running_) {
        running_->stream->close();
        processes_.abandon(running_->number);
        not_before_ = next_start(error);
        lost_ = loop_.now();
        if (processes_.has(running_->number)) stuck_.push_back(running_->number);
        ended_.push_back(std::move(running_));  // its stream may be what calls us
        bury_.start(base::Duration::zero());
    }
    if (reply_) answer(std::move(error));
}

// One that died is replaced at once, unless the one before it was lost a short while ago; one that
// hangs or talks nonsense is likely to do so again.
base::Instant HostLink::next_start(const base::Error& loss) const {
    const base::Instant now = loop_.now();
    const bool is_first = !lost_ || now >= *lost_ + limits_.restart_pause;
    if (is_first && loss.code == Errc::worker_lost) return now;
    return started_ + limits_.restart_pause;
}

void HostLink::answer(base::Result<std::string> meta) {
    timer_.stop();
    refusal_.reset();
    Reply reply = std::exchange(reply_, nullptr);
    reply(std::move(meta));
}

}  // namespace windlass::device
