// Which frame may come when, and what it means.
#include "worker/conversation.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace windlass::worker {
namespace {

using wire::Frame;
using wire::FrameType;

base::Error broken(std::string message) {
    return base::fail(base::Errc::data_corrupt, std::move(message));
}

bool may_come_before_hello(FrameType type) {
    return type == FrameType::hello || type == FrameType::error || type == FrameType::log ||
           type == FrameType::heartbeat || type == FrameType::progress;
}

}  // namespace

base::Result<void> Conversation::receive(std::span<const char> bytes) {
    while (true) {
        std::optional<Frame> frame = WL_TRY(reader_.next(bytes));
        if (!frame) return {};
        WL_TRY(handle(std::move(*frame)));
    }
}

base::Result<void> Conversation::handle(Frame frame) {
    if (!has_greeted_ && !may_come_before_hello(frame.type)) {
        return broken(fmt::format("sent `{}` before `hello`", wire::to_text(frame.type)));
    }
    if (!frame.body.empty() && frame.type != FrameType::result) {
        return broken(fmt::format("sent `{}` with a body", wire::to_text(frame.type)));
    }
    switch (frame.type) {
        case FrameType::hello: return on_hello(frame);
        case FrameType::loaded: return on_loaded(frame);
        case FrameType::started: return on_started(frame);
        case FrameType::settings: return on_settings(std::move(frame));
        case FrameType::result: return on_result(std::move(frame));
        case FrameType::progress: return on_progress(frame);
        case FrameType::error: return on_error(frame);
        case FrameType::recalled: return on_recalled(frame);
        case FrameType::log: return on_log(frame);
        case FrameType::heartbeat: ++heartbeat_count_; return {};
        case FrameType::offloaded:
        case FrameType::restored: return on_moved(frame);
        case FrameType::chunk:
        case FrameType::memory:
            return broken(fmt::format("sent `{}`, which protocol version {} only reserves",
                                      wire::to_text(frame.type), wire::kProtocolVersion));
        case FrameType::load:
        case FrameType::run:
        case FrameType::recall:
        case FrameType::cancel:
        case FrameType::offload:
        case FrameType::restore:
        case FrameType::stop: break;  // the reader accepts only what a worker sends
    }
    WL_ASSERT(false);
    return {};
}

base::Result<void> Conversation::on_hello(const Frame& frame) {
    wire::Hello hello = WL_TRY(wire::parse_hello(frame.meta));
    if (has_greeted_) return broken("sent `hello` twice");
    if (hello.protocol != wire::kProtocolVersion) {
        return broken(
            fmt::format("speaks version {} of the worker protocol and this daemon version"
                        " {}; use the `windlass` package that came with the daemon",
                        hello.protocol, wire::kProtocolVersion));
    }
    has_greeted_ = true;
    deliver_(Hello{.generation = generation_,
                   .pid = hello.pid,
                   .sdk = std::move(hello.sdk),
                   .runtime = std::move(hello.runtime),
                   .can_offload = hello.can_offload,
                   .used_driver = hello.used_driver.value_or(true)});
    return {};
}

base::Result<void> Conversation::on_loaded(const Frame& frame) {
    wire::Loaded loaded = WL_TRY(wire::parse_loaded(frame.meta));
    if (!is_load_sent_ || has_loaded_) return broken("sent `loaded` that nobody asked for");
    has_loaded_ = true;
    deliver_(Loaded{.generation = generation_,
                    .http_port = loaded.http_port,
                    .http_socket = std::move(loaded.http_socket)});
    return {};
}

base::Result<void> Conversation::on_started(const Frame& frame) {
    Run& run = WL_TRY(find_run(frame))->second;
    if (run.has_started) return broken(fmt::format("sent `started` twice for {}", frame.id));
    if (is_offloaded_) {
        return broken(fmt::format("sent `started` for {} while its model is offloaded", frame.id));
    }
    run.has_started = true;
    deliver_(Started{.generation = generation_, .request = frame.id});
    return {};
}

// Kept as they are, and shown to people: they must be what they are said to be.
base::Result<void> Conversation::on_settings(Frame frame) {
    WL_TRY(wire::check_settings(frame.meta));
    Run& run = WL_TRY(find_run(frame))->second;
    if (!run.has_started || !std::exchange(run.is_attempt, false)) {
        return broken(fmt::format("sent `settings` for {}, of which none can come", frame.id));
    }
    deliver_(Adjusted{
        .generation = generation_, .request = frame.id, .settings = std::move(frame.meta)});
    return {};
}

base::Result<void> Conversation::on_result(Frame frame) {
    wire::Answer answer = WL_TRY(wire::parse_answer(frame.meta));
    runs_.erase(
        frame.id);  // a second answer is passed on too: it harms nobody, and is dropped there
    deliver_(Answered{.generation = generation_,
                      .request = frame.id,
                      .content_type = std::move(answer.content_type),
                      .body = std::move(frame.body),
                      .peak = answer.peak,
                      .reserved = answer.reserved});
    return {};
}

base::Result<void> Conversation::on_error(const Frame& frame) {
    wire::RemoteError remote = WL_TRY(wire::parse_error(frame.meta));
    if (frame.id == 0 && has_loaded_) return on_move_failed(std::move(remote.error));
    runs_.erase(frame.id);
    deliver_(
        Failed{.generation = generation_, .request = frame.id, .error = std::move(remote.error)});
    return {};
}

// A worker that says that it has moved its weights while a run used them is not to be believed
// again, whatever the run's answer was.
base::Result<void> Conversation::on_moved(const Frame& frame) {
    const bool is_offload = frame.type == FrameType::offloaded;
    const wire::Moved moved = WL_TRY(wire::parse_moved(frame.type, frame.meta));
    if (move_ != (is_offload ? FrameType::offload : FrameType::restore)) {
        return broken(fmt::format("sent `{}` that nobody asked for", wire::to_text(frame.type)));
    }
    const auto running = std::ranges::find_if(
        runs_, [](const Runs::value_type& entry) { return entry.second.has_started; });
    if (running != runs_.end()) {
        return broken(fmt::format("sent `{}` while request {} runs", wire::to_text(frame.type),
                                  running->first));
    }
    move_.reset();
    is_offloaded_ = is_offload;
    if (is_offload) {
        deliver_(Offloaded{.generation = generation_,
                           .duration = moved.duration,
                           .before = moved.before,
                           .after = moved.after});
    } else {
        deliver_(Restored{.generation = generation_,
                          .duration = moved.duration,
                          .before = moved.before,
                          .after = moved.after});
    }
    return {};
}

base::Result<void> Conversation::on_move_failed(base::Error error) {
    if (!move_) return broken("sent an `error` without a request after `loaded`");
    const bool is_offload = move_ == FrameType::offload;
    move_.reset();
    if (is_offload) {
        deliver_(OffloadFailed{.generation = generation_, .error = std::move(error)});
    } else {
        deliver_(RestoreFailed{.generation = generation_, .error = std::move(error)});
    }
    return {};
}

base::Result<void> Conversation::on_progress(const Frame& frame) {
    wire::Progress progress = WL_TRY(wire::parse_progress(frame.meta));
    // A thread of the model may well report once more when its request has been answered.
    if (frame.id != 0 && !runs_.contains(frame.id)) return {};
    deliver_(Progressed{.generation = generation_,
                        .request = frame.id,
                        .step = progress.step,
                        .total = progress.total,
                        .phase = std::move(progress.phase)});
    return {};
}

base::Result<void> Conversation::on_recalled(const Frame& frame) {
    const wire::RecallAnswer answer = WL_TRY(wire::parse_recall_answer(frame.meta));
    if (answer.recalled) {  // `false` also comes for what has been answered meanwhile
        const Runs::iterator run = WL_TRY(find_run(frame));
        if (run->second.has_started) {
            return broken(fmt::format("sent `recalled` for {}, which it has begun", frame.id));
        }
        runs_.erase(run);
    }
    deliver_(Recalled{.generation = generation_, .request = frame.id, .recalled = answer.recalled});
    return {};
}

base::Result<void> Conversation::on_log(const Frame& frame) {
    wire::LogLine line = WL_TRY(wire::parse_log_line(frame.meta));
    deliver_(Printed{.generation = generation_,
                     .model = model_,
                     .output = Output::log,
                     .level = line.level,
                     .line = std::move(line.message),
                     .hook = std::move(line.hook),
                     .cause = std::move(line.cause),
                     .traceback = std::move(line.traceback)});
    return {};
}

base::Result<Conversation::Runs::iterator> Conversation::find_run(const Frame& frame) {
    const auto run = runs_.find(frame.id);
    if (run != runs_.end()) return run;
    return broken(fmt::format("sent `{}` for request {}, which it does not have",
                              wire::to_text(frame.type), frame.id));
}

std::string Conversation::load(const wire::LoadOrder& order) {
    is_load_sent_ = true;
    reader_.set_body_size_max(static_cast<std::uint32_t>(order.body_max.count()));
    return wire::encode_head(FrameType::load, 0, wire::to_json(order));
}

std::string Conversation::run(std::uint64_t request, const wire::RunOrder& order,
                              std::size_t body_size) {
    const bool is_new = runs_.emplace(request, Run{.is_attempt = order.attempt.has_value()}).second;
    WL_ASSERT(is_new && request != 0);
    return wire::encode_head(FrameType::run, request, wire::to_json(order), body_size);
}

std::string Conversation::offload() {
    WL_ASSERT(has_loaded_ && !move_);
    move_ = FrameType::offload;
    return wire::encode_head(FrameType::offload, 0, "{}");
}

std::string Conversation::restore() {
    WL_ASSERT(has_loaded_ && !move_);
    move_ = FrameType::restore;
    return wire::encode_head(FrameType::restore, 0, "{}");
}

std::string Conversation::recall(std::uint64_t request) {
    return wire::encode_head(FrameType::recall, request, "{}");
}

std::string Conversation::cancel(std::uint64_t request) {
    return wire::encode_head(FrameType::cancel, request, "{}");
}

std::string Conversation::stop() { return wire::encode_head(FrameType::stop, 0, "{}"); }

}  // namespace windlass::worker
