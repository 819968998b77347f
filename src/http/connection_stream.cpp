// Replies that are made while they are sent: from pieces to bytes on the wire, and the memory
// between the two.
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "http/connection.h"

namespace windlass::http {
namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";  // RFC 9112 section 7.1
// More memory than that is given back whenever all was sent.
constexpr std::size_t kRoomUsual = std::size_t{64} * 1024;

}  // namespace

// Lasts as long as the producer holds its end, and may be without a connection then.
class Connection::Outlet final : public StreamOutlet {
  public:
    Outlet(Connection& connection, Framing framing, std::optional<std::uint64_t> length)
        : connection_(&connection), framing_(framing), missing_(length) {}

    bool is_open() const override { return connection_ != nullptr; }
    std::size_t backlog() const override { return connection_->unsent(); }
    void note(Trace trace) override { connection_->begin_exchange().trace = std::move(trace); }

    bool write(std::string_view bytes) override {
        const std::size_t kept = backlog();
        if (kept > 0 && kept + bytes.size() > ReplyStream::kBacklogMax) return false;
        if (missing_ && bytes.size() > *missing_) return false;
        if (bytes.empty()) return true;  // as a chunk it would be the end
        if (missing_) *missing_ -= bytes.size();
        connection_->append_piece(bytes, framing_);
        connection_->flush_stream();
        return true;
    }

    void end() override {
        if (missing_.value_or(0) > 0) return break_off(base::Errc::internal);
        Connection& connection = *std::exchange(connection_, nullptr);
        if (framing_ == Framing::chunked) connection.output_body_ += kLastChunk;
        connection.finish_stream(std::nullopt);
    }

    void break_off(base::Errc why) override {
        Connection& connection = *std::exchange(connection_, nullptr);
        connection.close_after_output_ = true;
        connection.reset_after_output_ = framing_ == Framing::until_close;
        connection.finish_stream(why);
    }

    // The connection has it no more.
    void detach() { connection_ = nullptr; }

    bool is_held_up = false;  // something is kept, and the producer may wait for it to go

  private:
    Connection* connection_;
    const Framing framing_;
    std::optional<std::uint64_t> missing_;  // of a promised length
};

Connection::~Connection() {
    if (stream_) stream_->detach();
}

void Connection::open_stream(StreamBody body, Framing framing) {
    const auto outlet = std::make_shared<Outlet>(*this, framing, body.length);
    stream_ = outlet;
    enter_without_limit(Phase::streaming);
    // What it writes at once goes out together with the head.
    body.start(ReplyStream{outlet});
    if (stream_ == outlet) flush_stream();
}

void Connection::append_piece(std::string_view bytes, Framing framing) {
    begin_exchange().streamed_bytes += bytes.size();
    // Only when it is much of it, so that each byte is moved once at most.
    if (written_ > output_head_.size() + output_body_.size() / 2) {
        output_body_.erase(0, written_ - output_head_.size());
        output_head_.clear();
        written_ = 0;
    }
    if (framing != Framing::chunked) {
        output_body_ += bytes;
        return;
    }
    fmt::format_to(std::back_inserter(output_body_), "{:x}\r\n", bytes.size());
    output_body_.append(bytes).append("\r\n");
}

void Connection::flush_stream() {
    if (unsent() > 0 && !is_waiting_for_room_) write_output();
    if (phase_ != Phase::streaming || unsent() == 0) return;
    hold_body(unsent());
    if (std::exchange(stream_->is_held_up, true)) return;
    enter(Phase::streaming, context_.options.write_timeout);
}

void Connection::on_stream_drained() {
    output_head_.clear();
    output_body_.clear();
    if (output_body_.capacity() > kRoomUsual) output_body_.shrink_to_fit();
    written_ = 0;
    hold_body(0);
    enter_without_limit(Phase::streaming);
    const auto stream = stream_;  // the handler may end it
    if (!std::exchange(stream->is_held_up, false)) return;
    if (stream->handlers.on_room) stream->handlers.on_room();
}

void Connection::finish_stream(std::optional<base::Errc> broken) {
    WL_ASSERT(phase_ == Phase::streaming && exchange_);
    if (broken) exchange_->trace.error_type = base::traits(*broken).name;
    stream_.reset();
    enter(Phase::writing, context_.options.write_timeout);
    if (!is_waiting_for_room_) write_output();
}

// The producer may be on the stack: it is told later.
void Connection::lose_stream() {
    const auto stream = std::exchange(stream_, nullptr);
    if (!stream) return;
    stream->detach();
    context_.loop.post([stream] {
        if (stream->has_producer && stream->handlers.on_gone) stream->handlers.on_gone();
    });
}

}  // namespace windlass::http
