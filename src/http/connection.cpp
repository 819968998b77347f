// The life of a connection: what may happen in which phase.
#include "http/connection.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "base/assert.h"

namespace windlass::http {
namespace {

// What a client may send ahead while its present request is worked on; the rest waits in the
// kernel.
constexpr std::size_t kPendingMax = std::size_t{64} * 1024;
// A client that is slower than that in the long run loses its connection, so that no body takes
// for ever: 256 MiB have 4.5 hours.
constexpr std::uint64_t kBytesPerSecondMin = std::uint64_t{16} * 1024;
constexpr int kClientGone = 499;

iovec to_iovec(std::string& text, std::size_t from) {
    return {.iov_base = text.data() + from, .iov_len = text.size() - from};
}

Reply surplus_reply() {
    base::Error error = base::fail(base::Errc::unavailable,
                                   "the daemon has as many connections as it may have; use fewer, "
                                   "or close those that are idle, and try again");
    error.reason = "too_many_connections";
    error.retry_after = std::chrono::seconds{1};
    return error_reply(error);
}

Reply bodies_reply(base::Bytes limit) {
    base::Error error = base::fail(
        base::Errc::unavailable,
        fmt::format("the bodies of all requests together are larger than {}; try again when some "
                    "are answered, or raise bodies_limit under [daemon]",
                    base::to_text(limit)));
    error.reason = "bodies_limit";
    error.retry_after = std::chrono::seconds{1};
    return error_reply(error);
}

Reply timeout_reply(const std::string& what, base::Duration limit) {
    return refusal_reply(
        Refusal{408, base::fail(base::Errc::timeout,
                                fmt::format("{} within {}; send the whole request without a pause",
                                            what, base::to_text(limit)))});
}

}  // namespace

Connection::Connection(ConnectionContext& context, io::FileDescriptor socket, Peer peer)
    : context_(context),
      socket_(context.loop, std::move(socket)),
      peer_(std::move(peer)),
      parser_({.head_bytes = context.options.header_limit.count(),
               .body_bytes = context.options.body_limit.count()}) {}

void Connection::start() {
    enter(Phase::idle, context_.options.idle_timeout);
    wait_for_input();
}

void Connection::enter(Phase phase, base::Duration limit) {
    phase_ = phase;
    taken_bytes_ = 0;
    phase_since_ = context_.loop.now();
    deadline_ = base::saturating_add(phase_since_, limit);
}

void Connection::enter_without_limit(Phase phase) {
    phase_ = phase;
    deadline_ = base::Instant::max();
}

void Connection::note_progress(base::Duration limit, std::uint64_t bytes) {
    const base::Duration earned = std::chrono::seconds{bytes / kBytesPerSecondMin};
    deadline_ = std::min(base::saturating_add(context_.loop.now(), limit),
                         base::saturating_add(phase_since_, limit + earned));
}

// Input ---------------------------------------------------------------------------------------

bool Connection::wants_input() const {
    switch (phase_) {
        case Phase::idle:
        case Phase::head:
        case Phase::body:
        case Phase::lingering: return !has_input_ended_;
        case Phase::inviting:
        case Phase::calling:
        case Phase::streaming:
        case Phase::writing: return !has_input_ended_ && pending_.size() < kPendingMax;
        case Phase::closed: return false;
    }
    return false;
}

void Connection::wait_for_input() {
    if (is_waiting_for_input_ || !wants_input()) return;
    is_waiting_for_input_ = true;
    socket_.when_readable([this] { on_readable(); });
}

void Connection::on_readable() {
    const auto keep = shared_from_this();
    is_waiting_for_input_ = false;
    std::span<char> room = context_.loop.scratch();
    const bool is_ahead = phase_ == Phase::inviting || phase_ == Phase::calling ||
                          phase_ == Phase::streaming || phase_ == Phase::writing;
    if (is_ahead) room = room.first(std::min(room.size(), kPendingMax - pending_.size()));
    const io::ReadOutcome outcome = io::read_some(socket_.descriptor(), room);
    if (outcome.errno_value != 0 || outcome.is_end) {
        on_input_end(outcome.is_end);
    } else {
        on_input({room.data(), outcome.size});
    }
    wait_for_input();
}

void Connection::on_input(std::string_view bytes) {
    if (phase_ == Phase::lingering || bytes.empty()) return;
    if (!pending_.empty()) {
        pending_.append(bytes);
        return consume_pending();
    }
    const std::size_t consumed = consume(bytes);
    if (phase_ != Phase::lingering && phase_ != Phase::closed) {
        pending_.append(bytes.substr(consumed));
    }
}

// A client that sent a call and then closed its direction counts as gone: whether it closed both
// cannot be known without writing to it.
void Connection::on_input_end(bool is_orderly) {
    has_input_ended_ = true;
    if (phase_ == Phase::calling) {
        const std::uint64_t call = std::exchange(call_, 0);
        close();
        if (call != 0) withdraw(call);
    } else if (phase_ != Phase::writing || !is_orderly) {
        close();
    }
}

void Connection::consume_pending() {
    const std::size_t consumed = consume(pending_.view());
    if (phase_ == Phase::lingering || phase_ == Phase::closed) return pending_.clear();
    pending_.consume(consumed);
    if (has_input_ended_ && phase_ != Phase::writing) close();  // no request can become complete
}

std::size_t Connection::consume(std::string_view bytes) {
    std::size_t consumed = 0;
    is_consuming_ = true;
    while (phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body ||
           is_uploading()) {
        if (is_uploading()) {
            if (!feed_upload(bytes, consumed)) break;
            continue;
        }
        const auto fed = parser_.feed(bytes.substr(consumed));
        if (!fed) {
            refuse(refusal_reply(fed.error()));
            break;
        }
        consumed += fed->consumed;
        if (phase_ == Phase::body && !hold_body(parser_.body_size())) {
            refuse(bodies_reply(context_.options.bodies_limit));
            break;
        }
        const bool has_more = consumed < bytes.size();
        if (fed->progress == RequestParser::Progress::need_more) {
            on_incomplete(has_more);
            break;
        }
        if (fed->progress == RequestParser::Progress::head_done) {
            on_head(has_more);
        } else {
            begin_call();
        }
    }
    is_consuming_ = false;
    return consumed;
}

void Connection::on_incomplete(bool has_more) {
    if (phase_ == Phase::idle && (has_more || parser_.has_begun())) {
        begin_exchange();
        enter(Phase::head, context_.options.header_timeout);
    } else if (phase_ == Phase::body) {
        note_progress(context_.options.body_timeout, parser_.body_size());
    }
}

void Connection::on_head(bool has_more) {
    Exchange& exchange = begin_exchange();
    if (peer_.is_surplus) {
        ++context_.counters.refused;
        return refuse(surplus_reply());
    }
    const RequestHead& head = parser_.head();
    auto task = plan(head, peer_.transport, context_.guard);
    // A body that nobody will read lies between this request and the next one.
    if (!task) return send_reply(std::move(task.error()), head.has_body);
    task_ = std::move(*task);
    exchange.route = to_text(task_->route, task_->action);
    exchange.model = task_->call.model;
    exchange.variant = task_->call.variant.value_or("");
    if (!head.has_body) return;
    if (task_->forward) return begin_upload(has_more);
    if (const auto too_large = parser_.check_length()) return refuse(refusal_reply(*too_large));
    if (head.expects_continue && !has_more) {
        output_head_ = kInvitation;
        enter(Phase::inviting, context_.options.write_timeout);
        return write_output();
    }
    enter(Phase::body, context_.options.body_timeout);
}

// Calls ---------------------------------------------------------------------------------------

void Connection::begin_call() {
    const std::uint64_t number = ++exchange_number_;
    enter_without_limit(Phase::calling);
    WL_ASSERT(task_ && exchange_);
    exchange_->body_bytes = parser_.body_size();
    is_job_wait_ = task_->route == Route::job;
    const std::uint64_t call =
        begin(std::exchange(task_, nullptr), [weak = weak_from_this(), number](Reply reply) {
            if (const auto self = weak.lock()) self->answer(number, std::move(reply));
        });
    if (phase_ != Phase::calling) return;  // answered already
    call_ = call;
    if (!is_job_wait_) exchange_->call = call;
    if (has_input_ended_) on_input_end(true);
}

std::uint64_t Connection::begin(std::unique_ptr<Task> task, Respond respond) {
    if (!task->forward) {
        return perform(std::move(task), parser_.take_body(), context_.backend, context_.counters,
                       std::move(respond));
    }
    if (!upload_) {  // it has no body
        upload_ = std::make_shared<RequestBody>();
        upload_->complete();
    }
    return perform_forward(std::move(*task->forward), upload_, context_.backend,
                           {.loop = context_.loop, .body_timeout = context_.options.body_timeout},
                           std::move(respond));
}

void Connection::withdraw(std::uint64_t call) {
    if (is_job_wait_) return context_.backend.jobs().withdraw(call);
    context_.backend.client_gone(call);
}

void Connection::answer(std::uint64_t exchange_number, Reply reply) {
    if (phase_ != Phase::calling || exchange_number != exchange_number_) return;
    call_ = 0;
    send_reply(std::move(reply), false);
    wait_for_input();
}

void Connection::refuse(Reply reply) { send_reply(std::move(reply), true); }

// Output --------------------------------------------------------------------------------------

void Connection::send_reply(Reply reply, bool close_after) {
    Exchange& exchange = begin_exchange();
    exchange.status = reply.status;
    exchange.trace = std::move(reply.trace);
    const RequestHead& head = parser_.head();
    const Framing framing = framing_of(reply, head.http11);
    hold_body(reply.body.size());
    // Beside a stream the body may still come to its end.
    const bool is_cut_short = is_uploading() && !reply.stream;
    close_after_output_ = close_after || is_cut_short || !head.keep_alive || context_.stopping ||
                          framing == Framing::until_close;
    output_head_ = format_head(reply, {.date = context_.date.at(std::time(nullptr)),
                                       .close = close_after_output_,
                                       .name_keep_alive = !head.http11,
                                       .framing = framing});
    const bool has_body = head.method != "HEAD" && framing != Framing::no_body;
    if (has_body && reply.stream) return open_stream(std::move(*reply.stream), framing);
    if (has_body) output_body_ = std::move(reply.body);
    enter(Phase::writing, context_.options.write_timeout);
    // With the other writes of the turn: who is woken by one would be in the way of the others.
    context_.loop.defer([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && self->phase_ == Phase::writing) self->write_output();
    });
}

void Connection::write_output() {
    const auto keep = shared_from_this();
    const std::size_t head_written = std::min(written_, output_head_.size());
    std::array<iovec, 2> pieces = {to_iovec(output_head_, head_written),
                                   to_iovec(output_body_, written_ - head_written)};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t size = ::sendmsg(socket_.descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN && errno != EINTR) return close();
    if (size >= 0) {
        written_ += static_cast<std::size_t>(size);
        taken_bytes_ += static_cast<std::size_t>(size);
        if (unsent() == 0) return on_output_written();
        if (size > 0) note_progress(context_.options.write_timeout, taken_bytes_);
    }
    // One piece a turn: a fast reader of a large body must not hold up everybody else.
    is_waiting_for_room_ = true;
    socket_.when_writable([this] {
        is_waiting_for_room_ = false;
        write_output();
    });
}

void Connection::on_output_written() {
    if (phase_ == Phase::streaming) return on_stream_drained();
    if (phase_ != Phase::inviting) {
        end_exchange();
        hold_body(0);
    }
    output_head_.clear();
    output_body_ = {};
    written_ = 0;
    if (phase_ == Phase::inviting) {
        enter(Phase::body, context_.options.body_timeout);
    } else {
        close_after_output_ = close_after_output_ || is_uploading();
        parser_.reset();
        upload_.reset();
        if (reset_after_output_) return abort();
        if (close_after_output_ || context_.stopping) return linger();
        enter(Phase::idle, context_.options.idle_timeout);
    }
    if (is_consuming_) return;
    consume_pending();
    wait_for_input();
}

// Closing with bytes unread makes the kernel send a reset, which can overtake the reply: so only
// our direction is closed, and what still comes is thrown away until the client closes too.
void Connection::linger() {
    if (!is_consuming_) pending_.clear();
    if (has_input_ended_) return close();
    ::shutdown(socket_.descriptor(), SHUT_WR);
    enter(Phase::lingering, context_.options.linger_timeout);
    wait_for_input();
}

// Records -------------------------------------------------------------------------------------

// A body counts from its first byte until its reply is there, although a model that has begun
// may have no need of it any more; then the reply counts. False: all together are too much.
bool Connection::hold_body(std::uint64_t bytes) {
    std::uint64_t& all = context_.counters.body_bytes;
    all = all - held_bytes_ + bytes;
    held_bytes_ = bytes;
    return all <= context_.options.bodies_limit.count();
}

Connection::Exchange& Connection::begin_exchange() {
    if (!exchange_) exchange_ = Exchange{.begun = context_.loop.now()};
    return *exchange_;
}

// Of a stream without what marks its pieces, and if it is cut, to within these marks.
std::uint64_t Connection::bytes_out(const Exchange& exchange) const {
    const std::uint64_t streamed = exchange.streamed_bytes;
    if (streamed > 0) return streamed - std::min<std::uint64_t>(streamed, unsent());
    return written_ - std::min(written_, output_head_.size());
}

void Connection::end_exchange() {
    if (!exchange_) return;
    if (context_.options.on_exchange) {
        const RequestHead& head = parser_.head();
        context_.options.on_exchange({
            .client = peer_.client,
            .method = head.method,
            .target = head.target,
            .route = exchange_->route,
            .model = exchange_->model,
            .variant = exchange_->variant,
            .request = exchange_->call,
            .status = exchange_->status,
            .trace = std::move(exchange_->trace),
            .total = context_.loop.now() - exchange_->begun,
            .bytes_in = std::max(exchange_->body_bytes, parser_.body_size()),
            .bytes_out = bytes_out(*exchange_),
        });
    }
    exchange_.reset();
}

// Time ----------------------------------------------------------------------------------------

void Connection::sweep(base::Instant now) {
    const auto keep = shared_from_this();
    const bool is_under_way = phase_ == Phase::calling || phase_ == Phase::streaming;
    const bool is_deaf = is_under_way && !is_waiting_for_input_;
    if (is_deaf && client_has_closed()) return on_input_end(true);
    if (now < deadline_) return;
    switch (phase_) {
        case Phase::head:
            return refuse(timeout_reply("the header of the request did not arrive",
                                        context_.options.header_timeout));
        case Phase::body:
            return refuse(timeout_reply("the body of the request did not go on arriving",
                                        context_.options.body_timeout));
        case Phase::inviting:
        case Phase::streaming:
        case Phase::writing: return abort();
        case Phase::idle:
        case Phase::lingering: return close();
        case Phase::calling:  // the backend's limits count
        case Phase::closed: return;
    }
}

// For a client that sent so much ahead that its end of file is hidden behind unread bytes. If it
// sent more than the kernel takes too, only a reset shows before the call is over.
bool Connection::client_has_closed() const {
    pollfd poll{.fd = socket_.descriptor(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&poll, 1, 0) > 0;
}

// The client does not take its reply: with a reset, the kernel drops what it still holds of it.
void Connection::abort() {
    const ::linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close();
}

void Connection::close() {
    if (phase_ == Phase::closed) return;
    if (exchange_) {
        exchange_->status = kClientGone;
        exchange_->trace.error_type = base::traits(base::Errc::cancelled).name;
    }
    end_exchange();
    hold_body(0);
    lose_stream();
    enter_without_limit(Phase::closed);
    socket_.close();
    upload_.reset();
    output_body_ = {};
    context_.on_closed(*this);
}

}  // namespace windlass::http
