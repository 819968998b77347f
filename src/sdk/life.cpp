// Hooks, runs, and the end.
#include "sdk/life.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/version.h"
#include "guard/driver_use.h"
#include "sdk/exit_status.h"
#include "sdk/failure.h"
#include "sdk/standby.h"

namespace windlass::sdk {
namespace {

using base::Errc;
using wire::FrameType;

// Together they lie below the default `term_grace` of a model (10 s), so that the worker ends by
// itself, its hooks called, where the daemon would otherwise kill it.
// After SIGTERM or the loss of the channel: how long runs in the threads of a pool may go on.
constexpr std::chrono::seconds kPoolGrace{2};
// After the loss of the channel: how long the process may take to end in order, hooks included.
constexpr std::chrono::seconds kLostGrace{3};

void say(std::string_view text) { std::fputs(fmt::format("windlass: {}\n", text).c_str(), stderr); }

Piece frame(FrameType type, std::uint64_t id, std::string_view meta = {}) {
    return {wire::encode_head(type, id, meta)};
}

Piece error_frame(std::uint64_t id, const base::Error& error) {
    return frame(FrameType::error, id, wire::to_json(error));
}

Piece recalled_frame(std::uint64_t id, bool is_recalled) {
    return frame(FrameType::recalled, id, wire::to_json(wire::RecallAnswer{is_recalled}));
}

// The one of its load, for a process on standby.
worker::Outcome<void> choose_device(const std::string& uuid) {
    if (guard::has_used_driver()) {
        return std::unexpected(worker::Error{
            .type = worker::ErrorType::unsupported,
            .message = "the process used the GPU's driver while it was on standby, and "
                       "can be given no device any more; use devices in `load` or "
                       "later, or set `standby = 0`"});
    }
    see_only(uuid);
    return {};
}

std::string hello(bool can_offload) {
    std::optional<bool> used_driver;
    if (is_on_standby()) used_driver = guard::has_used_driver();
    return wire::to_json(wire::Hello{.protocol = wire::kProtocolVersion,
                                     .sdk = fmt::format("cpp/{}", base::version()),
                                     .pid = ::getpid(),
                                     .runtime = __VERSION__,
                                     .can_offload = can_offload,
                                     .used_driver = used_driver});
}

std::string loaded(const worker::HttpEndpoint* endpoint) {
    if (endpoint == nullptr) return {};
    worker::HttpAddress address = endpoint->http_address();
    if (address.port != 0) return wire::to_json(wire::Loaded{.http_port = address.port});
    return wire::to_json(wire::Loaded{.http_socket = std::move(address.socket)});
}

base::Error broken(std::string message) {
    return base::fail(Errc::data_corrupt, std::move(message));
}

base::Error out_of_place(const wire::Frame& frame) {
    return broken(
        fmt::format("`{}` with id {} is out of place here", wire::to_text(frame.type), frame.id));
}

base::Error conflict(std::string reason, std::string message) {
    base::Error error = base::fail(Errc::conflict, std::move(message));
    error.reason = std::move(reason);
    return error;
}

base::Error stopping() {
    return base::fail(Errc::cancelled,
                      "the worker was told to end before it could move the weights");
}

// Why an order to move the weights is not carried out; none: it is.
std::optional<base::Error> refuse(Runs::Ordered ordered, Move move) {
    switch (ordered) {
        case Runs::Ordered::closed: return stopping();
        case Runs::Ordered::busy:
            return conflict("busy",
                            "a run waits or has begun: the weights can be moved once it is"
                            " answered");
        case Runs::Ordered::there:
            return move == Move::offload
                       ? conflict("offloaded", "the weights are in host memory already")
                       : conflict("not_offloaded", "the weights are on the device already");
        case Runs::Ordered::open:
        case Runs::Ordered::yes: break;
    }
    return std::nullopt;
}

// Of most answers without the work of a JSON library.
std::string result_meta(const wire::Answer& told) {
    const bool is_plain = told.content_type.find_first_of("\"\\") == std::string::npos;
    if (!is_plain || told.peak) return wire::to_json(told);
    return R"({"content_type":")" + told.content_type + R"("})";
}

// A failure of a hook of the end is told and changes nothing.
template <class Hook>
void end_with(std::string_view name, const Hook& hook) {
    try {
        hook();
    } catch (...) {
        say(fmt::format("the {} hook failed: {}", name, describe_current_exception().message));
    }
}

}  // namespace

Life::Life(Channel& channel, worker::Model& model)
    : channel_(channel),
      model_(model),
      offloadable_(dynamic_cast<worker::OffloadableModel*>(&model)),
      endpoint_(dynamic_cast<worker::HttpEndpoint*>(&model)),
      gauge_(dynamic_cast<worker::DeviceAllocator*>(&model)),
      outbox_(channel.outbox()),
      reporter_(outbox_, 0) {}

int Life::live() {
    channel_.start({.on_frame = [this](wire::Frame frame) { return on_frame(std::move(frame)); },
                    .on_end = [this](const std::optional<base::Error>& error) { on_end(error); },
                    .on_wake = [this] { on_signal(); },
                    .is_resting = [this] { return has_loaded_ && runs_.is_resting(); }});
    const std::optional<wire::LoadOrder> order = begin();
    if (order) serve(*order);
    end(order.has_value());
    return status();
}

// From the start hook to `loaded`; none if that failed or the worker is to end before.
std::optional<wire::LoadOrder> Life::begin() {
    if (!attempt([this] { return model_.start(); })) return std::nullopt;
    outbox_.add(frame(FrameType::hello, 0, hello(offloadable_ != nullptr)));
    outbox_.write();
    std::optional<wire::LoadOrder> order = wait_for_order();
    if (!order) return std::nullopt;
    if (is_on_standby() && !attempt([&] { return choose_device(order->uuid); })) {
        return std::nullopt;
    }
    {
        const Reporting reporting{reporter_, Reporting::Where::everywhere};
        if (!attempt([&] { return model_.load(order->device); })) return std::nullopt;
    }
    gauge_.settle();
    has_loaded_ = true;
    outbox_.add(frame(FrameType::loaded, 0, loaded(endpoint_)));
    outbox_.write();
    return order;
}

std::optional<wire::LoadOrder> Life::wait_for_order() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return order_ || leaving_; });
    return leaving_ ? std::nullopt : order_;
}

bool Life::attempt(const std::function<worker::Outcome<void>()>& hook) {
    const base::Result<void> called = call(hook);
    if (called) return true;
    leave(kExitFailed);
    outbox_.add(error_frame(0, called.error()));
    outbox_.write();
    return false;
}

base::Result<void> Life::call(const std::function<worker::Outcome<void>()>& hook) {
    try {
        worker::Outcome<void> outcome = hook();
        if (outcome) return {};
        return to_error(std::move(outcome.error()));
    } catch (...) {
        return describe_current_exception();
    }
}

// Answers runs until the worker leaves and, unless that is urgent, all begun ones ended.
void Life::serve(const wire::LoadOrder& order) {
    if (order.concurrency == 1) {
        work_alone(order);
    } else {
        std::vector<std::thread> pool;
        pool.reserve(order.concurrency);
        for (std::uint32_t index = 0; index < order.concurrency; ++index) {
            pool.emplace_back([this, &order] {
                while (Run* const run = runs_.take()) answer_from(run, order);
            });
        }
        while (const std::optional<Move> move = runs_.wait_for_move()) carry_out(*move, order);
        const bool is_over = runs_.wait_until_over();
        for (std::thread& thread : pool) is_over ? thread.join() : thread.detach();
    }
    if (runs_.recall_move()) outbox_.add(error_frame(0, stopping()));
    for (const std::uint64_t id : runs_.recall_all()) outbox_.add(recalled_frame(id, true));
    outbox_.write();
}

void Life::end(bool is_loaded) {
    const bool is_stuck = runs_.has_begun();
    if (is_stuck) say("a run does not end: the unload hook is left out");
    if (is_loaded && !is_stuck) end_with("unload", [this] { model_.unload(); });
    end_with("exit", [this] { model_.exit(); });
    {
        const std::lock_guard lock{mutex_};
        is_over_ = true;
        changed_.notify_all();
    }
    channel_.finish();
    if (!is_stuck) return;
    std::fflush(nullptr);
    ::_exit(status());  // what main() would destroy is still used by those runs
}

// One thread that runs may as well read: then a request does not wake two.
void Life::work_alone(const wire::LoadOrder& order) {
    while (true) {
        channel_.read_while([this] { return runs_.is_idle(); });
        const Runs::Next next = runs_.take_next();
        if (next.move) {
            carry_out(*next.move, order);
        } else if (next.run != nullptr) {
            answer_from(next.run, order);
        } else {
            return;
        }
    }
}

// This run, and each next one that waits by then.
void Life::answer_from(Run* run, const wire::LoadOrder& order) {
    announce(*run);
    while (run != nullptr) {
        outbox_.write();
        Piece piece = answer(*run, order);
        run->is_answered = true;
        outbox_.add(std::move(piece));
        // The answer leaves before its run is finished, unless with the start of the next one:
        // the process cannot end in between.
        Run* const next = runs_.try_take();
        if (next == nullptr) {
            outbox_.write();
        } else {
            announce(*next);
        }
        runs_.finish(*run);
        run = next;
    }
}

// The daemon hears of a run before the model's code begins: should that kill the process, it must
// be known whose fault it was.
void Life::announce(Run& run) {
    run.has_started = !run.request.cancelled();
    if (run.has_started) outbox_.add(frame(FrameType::started, run.id));
}

Piece Life::answer(Run& run, const wire::LoadOrder& order) {
    if (!run.has_started) {
        return error_frame(
            run.id, base::fail(Errc::cancelled, "the request was cancelled before it began"));
    }
    wire::Answer told;
    base::Result<worker::Answer> answer = measure(run, told);
    if (!answer) return error_frame(run.id, answer.error());
    if (!wire::is_header_text(answer->content_type)) {
        return error_frame(
            run.id, base::fail(Errc::unsupported,
                               "the answer has a content type that is not 1 to 256 printable ASCII"
                               " characters: return another"));
    }
    if (answer->body.size() > order.body_max.count()) {
        return error_frame(
            run.id,
            base::fail(Errc::unsupported,
                       fmt::format("the answer has {} bytes, more than the {} that a message may"
                                   " have: return less, or write a file and return its name",
                                   answer->body.size(), order.body_max.count())));
    }
    told.content_type = std::move(answer->content_type);
    return {.head = wire::encode_head(FrameType::result, run.id, result_meta(told),
                                      answer->body.size()),
            .body = std::move(answer->body)};
}

// With what the run took of the device, in `told`.
base::Result<worker::Answer> Life::measure(Run& run, wire::Answer& told) {
    const Gauge::Begun begun = gauge_.begin();
    base::Result<worker::Answer> answer = call_model(run);
    const Gauge::Told memory = gauge_.end(begun);
    told.peak = memory.peak;
    told.reserved = memory.reserved;
    return answer;
}

base::Result<worker::Answer> Life::call_model(Run& run) {
    const Reporting reporting{run.reporter, Reporting::Where::here};
    try {
        worker::Outcome<worker::Answer> outcome = model_.run(run.request);
        if (outcome) return std::move(*outcome);
        return to_error(std::move(outcome.error()));
    } catch (...) {
        return describe_current_exception();
    }
}

void Life::carry_out(Move move, const wire::LoadOrder& order) {
    const std::optional<base::Bytes> before = gauge_.reserved();
    const auto begin = std::chrono::steady_clock::now();
    const base::Result<void> moved = call_hook(move, order.device);
    const auto duration = std::chrono::steady_clock::now() - begin;
    gauge_.settle();
    const std::optional<base::Bytes> after = gauge_.reserved();
    runs_.finish_move(moved.has_value());  // first: the answer may be followed by a run
    if (moved) {
        const FrameType done = move == Move::offload ? FrameType::offloaded : FrameType::restored;
        outbox_.add(frame(
            done, 0,
            wire::to_json(wire::Moved{.duration = duration, .before = before, .after = after})));
    } else {
        outbox_.add(error_frame(0, moved.error()));
    }
    outbox_.write();
}

base::Result<void> Life::call_hook(Move move, const std::string& device) {
    reporter_.reopen();
    const Reporting reporting{reporter_, Reporting::Where::everywhere};
    return call([&] {
        return move == Move::offload ? offloadable_->offload() : offloadable_->restore(device);
    });
}

base::Result<void> Life::on_frame(wire::Frame frame) {
    switch (frame.type) {
        case FrameType::load: return on_load(frame);
        case FrameType::run: return on_run(std::move(frame));
        case FrameType::recall:
            outbox_.post(recalled_frame(frame.id, runs_.recall(frame.id)));
            return {};
        case FrameType::cancel: runs_.cancel(frame.id); return {};
        case FrameType::stop: leave(kExitOk); return {};
        case FrameType::offload:
        case FrameType::restore: return on_move(frame);
        case FrameType::hello:
        case FrameType::loaded:
        case FrameType::started:
        case FrameType::result:
        case FrameType::chunk:
        case FrameType::progress:
        case FrameType::heartbeat:
        case FrameType::error:
        case FrameType::recalled:
        case FrameType::offloaded:
        case FrameType::restored:
        case FrameType::memory:
        case FrameType::log:
        case FrameType::settings: break;
    }
    return out_of_place(frame);
}

base::Result<void> Life::on_load(const wire::Frame& frame) {
    wire::LoadOrder order = WL_TRY(wire::parse_load_order(frame.meta));
    if (order.concurrency == 0 || order.heartbeat == base::Duration::zero()) {
        return broken("the meta of a `load` frame has a concurrency or heartbeat_ms of 0");
    }
    const std::lock_guard lock{mutex_};
    if (order_) return out_of_place(frame);
    is_load_ordered_ = true;
    channel_.configure(static_cast<std::uint32_t>(order.body_max.count()), order.heartbeat);
    order_ = std::move(order);
    changed_.notify_all();
    return {};
}

base::Result<void> Life::on_run(wire::Frame frame) {
    if (!is_load_ordered_ || frame.id == 0) return out_of_place(frame);
    wire::RunOrder order = WL_TRY(wire::parse_run_order(frame.meta));
    auto run = std::make_unique<Run>(frame.id, std::move(frame.body), std::move(order.content_type),
                                     outbox_);
    run->request.variant = std::move(order.variant);
    run->request.deadline = std::chrono::steady_clock::now() + order.timeout;
    switch (runs_.add(std::move(run))) {
        case Runs::Added::yes: return {};
        case Runs::Added::closed: outbox_.post(recalled_frame(frame.id, true)); return {};
        case Runs::Added::moving:
            outbox_.post(error_frame(frame.id, conflict("moving", "the weights are being moved")));
            return {};
        case Runs::Added::offloaded:
            outbox_.post(
                error_frame(frame.id, conflict("offloaded", "the weights are in host memory")));
            return {};
        case Runs::Added::id_in_use: break;
    }
    return broken(fmt::format("run {} came twice", frame.id));
}

base::Result<void> Life::on_move(const wire::Frame& received) {
    if (!has_loaded_ || received.id != 0) return out_of_place(received);
    const Move move = received.type == FrameType::offload ? Move::offload : Move::restore;
    std::optional<base::Error> refusal;
    if (offloadable_ == nullptr) {
        refusal = base::fail(Errc::unsupported,
                             "the model has no hooks offload() and restore(): derive it from"
                             " windlass::worker::OffloadableModel");
    } else {
        const Runs::Ordered ordered = runs_.order_move(move);
        if (ordered == Runs::Ordered::open) return out_of_place(received);
        refusal = refuse(ordered, move);
    }
    if (refusal) outbox_.post(error_frame(0, *refusal));
    return {};
}

void Life::on_end(const std::optional<base::Error>& error) {
    if (error) say(fmt::format("the channel to the daemon broke: {}", error->message));
    leave(error ? kExitFailed : kExitOk, std::chrono::steady_clock::now() + kPoolGrace);
    runs_.cancel_all();
    std::unique_lock lock{mutex_};
    if (changed_.wait_for(lock, kLostGrace, [this] { return is_over_; })) return;
    say("the daemon is gone and the model does not end: exiting without its hooks");
    ::_exit(kExitFailed);
}

void Life::on_signal() {
    leave(kExitTerminated, std::chrono::steady_clock::now() + kPoolGrace);
    runs_.cancel_all();
}

void Life::leave(int status, std::optional<Runs::TimePoint> limit) {
    runs_.close(limit);  // first: who sees the status may rely on it
    const std::lock_guard lock{mutex_};
    if (!leaving_) leaving_ = status;
    changed_.notify_all();
}

int Life::status() {
    const std::lock_guard lock{mutex_};
    return leaving_.value_or(kExitOk);
}

}  // namespace windlass::sdk
