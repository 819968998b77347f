// Fuzz target: what a client writes into its connection, many requests one after the other, through
// the parser, the router and the handlers to a backend that echoes. Sockets are a pair; no port.
// However the bytes are cut, the same must reach the backend and the same must be answered.
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "fuzz/target.h"
#include "http/connection.h"
#include "http/testing/fake_backend.h"
#include "io/testing/run_until.h"

namespace windlass {
namespace {

struct Plan {
    bool answers_at_once = true;
    bool has_small_limits = false;
    bool stops = false;        // the daemon is going down meanwhile
    bool is_late = false;      // every time limit passes at the end
    bool closes_half = false;  // the client says that it sends no more
    http::Connection::Peer peer = {};
};

io::Loop& loop() {
    static io::Loop loop;  // one for all inputs: making it costs more than an input does
    return loop;
}

// Writes down all that reaches it.
class Backend final : public http::testing::FakeBackend {
  public:
    Backend() { fake_jobs.holds_waits = false; }

    std::uint64_t call(http::CallRequest request, http::CallReply reply) override {
        said +=
            fmt::format("call {} {} {} {} {} {} {}\n", request.model, request.content_type,
                        to_text(request.timeout), to_text(request.wait),
                        request.priority.value_or(99), request.variant.value_or("-"), request.body);
        return FakeBackend::call(std::move(request), std::move(reply));
    }
    std::uint64_t order(http::ModelOrder order, http::ModelReply reply) override {
        said += fmt::format("order {} {} {}\n", static_cast<int>(order.action), order.model,
                            to_text(order.timeout));
        return FakeBackend::order(std::move(order), std::move(reply));
    }
    // Two pieces, and whatever the client has chosen for the second.
    void follow_events(base::EventQuery query, http::ReplyStream stream) override {
        said += fmt::format("follow {} {} {}\n", query.after.value_or(0), query.limit,
                            query.filter.model);
        stream.write("data: {}\n\n");
        stream.write(query.filter.model);
        stream.end();
    }
    std::string said;

  private:
    static std::string to_text(std::optional<base::Duration> duration) {
        return duration ? base::to_text(*duration) : "-";
    }
};

// A reply without the time of day; `text` is the whole of it.
struct Answer {
    int status = 0;
    bool closes = false;
    std::string text;
};

std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find("\r\n");
    WL_ASSERT(end != std::string_view::npos);
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    return line;
}

// The body of a stream, as RFC 9112 section 7.1 has it.
std::string take_chunks(std::string_view& text) {
    std::string whole;
    while (true) {
        const std::size_t size = std::stoull(std::string{take_line(text)}, nullptr, 16);
        WL_ASSERT(size <= text.size());
        whole += text.substr(0, size);
        text.remove_prefix(size);
        WL_ASSERT(take_line(text).empty());
        if (size == 0) return whole;
    }
}

bool is_field_line(std::string_view line) {
    const std::size_t colon = line.find(": ");
    return colon != std::string_view::npos && colon > 0 && line.front() >= 'A' &&
           line.front() <= 'Z' && line.find_first_of("\r\n") == std::string_view::npos;
}

// The reply at the front of `text`: whole, and neither split nor joined by what the client sent.
Answer take_answer(std::string_view& text, bool has_body) {
    const std::string_view line = take_line(text);
    WL_ASSERT(line.starts_with("HTTP/1.1 ") && line.size() > 13);
    Answer answer{.status = std::stoi(std::string{line.substr(9, 3)}), .text = std::string{line}};
    std::size_t length = 0;
    int length_count = 0;
    bool is_stream = false;
    bool is_chunked = false;
    while (true) {
        const std::string_view field = take_line(text);
        if (field.empty()) break;
        WL_ASSERT(is_field_line(field));
        if (field.starts_with("Date: ")) continue;
        answer.text += fmt::format("\n{}", field);
        answer.closes = answer.closes || field == "Connection: close";
        is_stream = is_stream || field.starts_with("Content-Type: text/event-stream");
        is_chunked = is_chunked || field == "Transfer-Encoding: chunked";
        if (!field.starts_with("Content-Length: ")) continue;
        ++length_count;
        length = std::stoull(std::string{field.substr(16)});
    }
    WL_ASSERT(length_count == (answer.status == 100 || is_stream ? 0 : 1));
    WL_ASSERT(is_stream || !is_chunked);
    if (!has_body) return answer;
    if (is_stream) {
        // Without chunks to the end of the connection.
        answer.text += is_chunked ? take_chunks(text) : std::string{text};
        if (!is_chunked) text = {};
        return answer;
    }
    WL_ASSERT(length <= text.size());
    answer.text += text.substr(0, length);
    text.remove_prefix(length);
    return answer;
}

// What came of one connection.
struct Outcome {
    std::string reached_backend;
    std::vector<Answer> answers;  // without invitations to send a body
    std::size_t byte_count = 0;
};

// One connection, and the client at its other end.
class Exchange {
  public:
    explicit Exchange(const Plan& plan) : plan_(plan) {
        backend_.echoes_at_once = plan.answers_at_once;
        if (plan.has_small_limits) {
            context_.options.header_limit = base::Bytes{128};
            context_.options.body_limit = base::Bytes{32};
        }
        context_.options.on_exchange = [this](const http::ExchangeRecord& record) {
            if (record.status != 499) answered_.push_back({record.status, record.method == "HEAD"});
        };
        context_.stopping = plan.stops;
        context_.on_closed = [this](http::Connection&) {
            WL_ASSERT(is_open_);
            is_open_ = false;
        };
        auto pair = io::make_socket_pair();
        WL_ASSERT(pair.has_value());
        client_ = std::move(pair->theirs);
        connection_ =
            std::make_shared<http::Connection>(context_, std::move(pair->ours), plan.peer);
        connection_->start();
    }
    ~Exchange() { connection_->close(); }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    void send(std::string_view piece) {
        // The kernel's buffer holds any input; when the other side is closed, it is lost.
        ::send(client_.number(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        settle();
        if (!plan_.answers_at_once && !backend_.calls.empty()) backend_.answer_call();
        settle();
    }

    void finish() {
        if (plan_.is_late) connection_->sweep(base::Instant::max());
        settle();
        if (plan_.closes_half) ::shutdown(client_.number(), SHUT_WR);
        settle();
        check_gone();
        while (!backend_.calls.empty() || !backend_.orders.empty()) {
            if (!backend_.calls.empty()) backend_.answer_call();
            if (!backend_.orders.empty()) answer_order();
            settle();
        }
    }

    // After the end: each request that was written down as answered has its one reply.
    Outcome outcome() {
        connection_->close();
        WL_ASSERT(!is_open_ && context_.counters.body_bytes == 0);
        Outcome outcome{.reached_backend = backend_.said, .byte_count = received_.size()};
        std::string_view text = received_;
        for (const Answered& answered : answered_) {
            Answer answer = take_answer(text, !answered.is_head);
            if (answer.status == 100) answer = take_answer(text, !answered.is_head);
            WL_ASSERT(answer.status == answered.status);
            WL_ASSERT(outcome.answers.empty() || !outcome.answers.back().closes);
            outcome.answers.push_back(std::move(answer));
        }
        WL_ASSERT(text.empty() || take_answer(text, false).status == 100);
        WL_ASSERT(text.empty());
        return outcome;
    }

  private:
    // Turns until nothing happens any more.
    void settle() {
        for (int quiet = 0; quiet < 2; ++quiet) {
            io::testing::run_turn(loop());
            if (drain()) quiet = 0;
        }
    }
    bool drain() {
        const std::size_t before = received_.size();
        char bytes[4096];
        while (true) {
            const ssize_t size = ::recv(client_.number(), bytes, sizeof bytes, MSG_DONTWAIT);
            if (size <= 0) break;
            received_.append(bytes, static_cast<std::size_t>(size));
        }
        return received_.size() > before;
    }
    void answer_order() {
        auto order = std::move(backend_.orders.front());
        backend_.orders.pop_front();
        order.reply("r1", http::testing::FakeBackend::status("m"));
    }
    // Each call is withdrawn at most once, and only while it is waiting.
    void check_gone() {
        for (const std::uint64_t number : backend_.gone) {
            const bool is_waiting =
                std::ranges::count(backend_.calls, number,
                                   &http::testing::FakeBackend::Call::number) +
                    std::ranges::count(backend_.orders, number,
                                       &http::testing::FakeBackend::Order::number) ==
                1;
            WL_ASSERT(is_waiting && std::ranges::count(backend_.gone, number) == 1);
            WL_ASSERT(!is_open_);
        }
    }

    struct Answered {
        int status;
        bool is_head;  // its reply says the length of a body that does not come
    };

    Plan plan_;
    Backend backend_;
    http::ConnectionContext context_{
        .loop = loop(), .backend = backend_, .options = {}, .guard = http::OriginGuard{{}}};
    io::FileDescriptor client_;
    std::shared_ptr<http::Connection> connection_;
    bool is_open_ = true;
    std::string received_;
    std::vector<Answered> answered_;
};

Outcome exchange(const std::vector<std::string_view>& pieces, const Plan& plan) {
    Exchange exchange{plan};
    for (const std::string_view piece : pieces) exchange.send(piece);
    exchange.finish();
    return exchange.outcome();
}

// How much of a broken request has to be there before it shows depends on how it was cut: at the
// end of one exchange there may be a refusal where the other waits for more, or gave up waiting.
void drop_last_refusal(std::vector<Answer>& answers) {
    if (!answers.empty() && answers.back().closes && answers.back().status >= 400) {
        answers.pop_back();
    }
}

void check_same(Outcome whole, Outcome cut) {
    WL_ASSERT(whole.reached_backend == cut.reached_backend);
    drop_last_refusal(whole.answers);
    drop_last_refusal(cut.answers);
    WL_ASSERT(std::ranges::equal(whole.answers, cut.answers, {}, &Answer::text, &Answer::text));
}

}  // namespace
}  // namespace windlass

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace windlass;
    fuzz::Input input{data, size};
    const std::uint8_t seed = input.take_byte();
    const std::uint8_t bits = input.take_byte();
    const std::string_view bytes = input.rest();
    const Plan plan{.answers_at_once = (bits & 1U) == 0,
                    .has_small_limits = (bits & 2U) != 0,
                    .stops = (bits & 4U) != 0,
                    .is_late = (bits & 8U) != 0,
                    .closes_half = (bits & 16U) != 0,
                    .peer = {.transport = (bits & 32U) != 0 ? http::Transport::unix_socket
                                                            : http::Transport::tcp,
                             .client = "client",
                             .is_surplus = (bits & 64U) != 0}};
    Outcome whole = exchange({bytes}, plan);
    Outcome cut = exchange(fuzz::cut(bytes, seed, 12), plan);
    WL_ASSERT(whole.byte_count <= 4096 + 256 * bytes.size());
    // With answers that wait, and with limits that are reached, the moment counts.
    if (plan.answers_at_once && !plan.has_small_limits) {
        check_same(std::move(whole), std::move(cut));
    }
    return 0;
}
