// One client's connection: reads requests one after the other, has them performed, writes replies
// in the same order. Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "http/connection_context.h"
#include "http/dispatch.h"
#include "http/input_buffer.h"
#include "http/request_body.h"
#include "http/request_parser.h"
#include "io/readiness.h"

namespace windlass::http {

// Shared: the server holds it while it is open; replies that come late hold it weakly, so that they
// find out that it is gone; whoever runs one of its functions holds it until that returns.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    enum class Phase : std::uint8_t {
        idle,       // no byte of a request
        head,       // the header is arriving
        inviting,   // "100 Continue" is being written
        body,       // the body is arriving
        calling,    // the backend has the request
        streaming,  // the reply's body is being made and written
        writing,    // the reply is being written, and all of it is there
        lingering,  // the last reply is out; waits for the client to close
        closed,
    };

    struct Peer {
        Transport transport = Transport::tcp;
        std::string client;       // as in Arrival
        bool is_surplus = false;  // it gets one reply, `unavailable`
    };
    Connection(ConnectionContext& context, io::FileDescriptor socket, Peer peer);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    void start();

    Phase phase() const { return phase_; }
    // To be called about once a sweep period: enforces the time limits.
    void sweep(base::Instant now);
    void close();

  private:
    void on_readable();
    void on_input(std::string_view bytes);
    void on_input_end(bool is_orderly);
    void wait_for_input();
    bool wants_input() const;

    std::size_t consume(std::string_view bytes);
    void consume_pending();
    void on_incomplete(bool has_more);
    void on_head(bool has_more);
    void begin_call();
    std::uint64_t begin(std::unique_ptr<Task> task, Respond respond);
    void withdraw(std::uint64_t call);
    void answer(std::uint64_t exchange_number, Reply reply);
    void refuse(Reply reply);

    static constexpr std::string_view kInvitation = "HTTP/1.1 100 Continue\r\n\r\n";
    void begin_upload(bool has_more);
    bool is_uploading() const { return upload_ && !upload_->is_complete(); }
    bool feed_upload(std::string_view bytes, std::size_t& consumed);
    void continue_upload();

    void send_reply(Reply reply, bool close_after);
    void write_output();
    void on_output_written();
    std::size_t unsent() const { return output_head_.size() + output_body_.size() - written_; }

    class Outlet;
    void open_stream(StreamBody body, Framing framing);
    void append_piece(std::string_view bytes, Framing framing);
    void flush_stream();
    void on_stream_drained();
    void finish_stream(std::optional<base::Errc> broken);
    void lose_stream();

    void linger();
    bool client_has_closed() const;
    void abort();

    // What will be written down of the present request.
    struct Exchange {
        base::Instant begun;
        std::string_view route = {};  // empty: none is known
        std::string model = {};
        std::string variant = {};
        std::uint64_t body_bytes = 0;      // once the body was taken out of the parser
        std::uint64_t streamed_bytes = 0;  // of a reply, as its producer gave them
        std::uint64_t call = 0;            // the backend's number, also after its reply
        int status = 0;
        Trace trace = {};
    };
    bool hold_body(std::uint64_t bytes);
    Exchange& begin_exchange();
    std::uint64_t bytes_out(const Exchange& exchange) const;
    void end_exchange();

    void enter(Phase phase, base::Duration limit);
    void enter_without_limit(Phase phase);
    void note_progress(base::Duration limit, std::uint64_t bytes);

    ConnectionContext& context_;
    io::Readiness socket_;
    Peer peer_;
    Phase phase_ = Phase::idle;
    base::Instant phase_since_ = {};
    base::Instant deadline_ = base::Instant::max();  // of the present phase
    bool is_waiting_for_input_ = false;
    bool has_input_ended_ = false;
    bool is_consuming_ = false;  // consume() is on the stack and goes on by itself

    InputBuffer pending_;
    RequestParser parser_;
    std::unique_ptr<Task> task_;
    std::optional<Exchange> exchange_;
    std::uint64_t exchange_number_ = 0;  // so that a late reply meets no other request
    std::uint64_t call_ = 0;    // the backend's number of what is called, if it can be withdrawn
    bool is_job_wait_ = false;  // it is JobBackend's number
    std::uint64_t held_bytes_ = 0;  // of a body, as counted in the context
    // The body of a request that is forwarded as it comes.
    std::shared_ptr<RequestBody> upload_;

    std::string output_head_;
    std::string output_body_;        // of a stream: what is kept of it
    std::size_t written_ = 0;        // of both together
    std::uint64_t taken_bytes_ = 0;  // by the client, in the present phase
    bool is_waiting_for_room_ = false;
    bool close_after_output_ = false;
    bool reset_after_output_ = false;  // or an end that is missing would not show
    std::shared_ptr<Outlet> stream_;   // in phase `streaming`
};

}  // namespace windlass::http
