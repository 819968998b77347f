// A forwarded request: waits for its place, then hands on what comes from either side.
#include "http/forward_api.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "http/call_api.h"
#include "http/upstream_connection.h"
#include "io/timer.h"

namespace windlass::http {
namespace {

using namespace std::chrono_literals;

// How often it is said that the program waits for the client; below any sensible `stall_timeout`.
constexpr base::Duration kPulse = 100ms;

constexpr auto kConnectionFields = std::to_array<std::string_view>({
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
});

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
    return std::ranges::any_of(names,
                               [&](std::string_view n) { return equal_ignoring_case(n, name); });
}

// "close, X-Mine" names X-Mine as the connection's own.
bool is_named_in_connection(const Headers& headers, std::string_view name) {
    for (std::size_t index = 0; index < headers.size(); ++index) {
        const auto [field, value] = headers.at(index);
        if (!equal_ignoring_case(field, "Connection")) continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            std::string_view word = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), word.size() + 1));
            while (word.starts_with(' ') || word.starts_with('\t')) word.remove_prefix(1);
            while (word.ends_with(' ') || word.ends_with('\t')) word.remove_suffix(1);
            if (equal_ignoring_case(word, name)) return true;
        }
    }
    return false;
}

bool is_for_connection(const Headers& headers, std::string_view name) {
    return is_one_of(name, kConnectionFields) || is_named_in_connection(headers, name);
}

bool is_ours(std::string_view name) {
    constexpr std::string_view kPrefix = "X-Windlass-";
    return equal_ignoring_case(name.substr(0, kPrefix.size()), kPrefix);
}

// "/v1/models?all" of "/api/models/llm/http/v1/models?all", as it came.
std::string_view rest_of(std::string_view target) {
    if (!target.starts_with('/')) {  // the absolute form
        const std::size_t host = target.find("://");
        target.remove_prefix(std::min(target.find('/', host + 3), target.size()));
    }
    constexpr int kOurSegments = 4;  // api, models, the name, http
    std::size_t at = 0;
    for (int count = 0; count < kOurSegments; ++count) {
        at = target.find_first_of("/?", at + 1);
        if (at == target.npos || target[at] == '?') break;
    }
    return at == target.npos ? std::string_view{} : target.substr(at);
}

}  // namespace

base::Result<ForwardRequest> read_forward(std::string model, const RequestHead& head) {
    ForwardRequest request;
    request.limits = WL_TRY(read_call(std::move(model), head.headers));
    const std::string_view rest = rest_of(head.target);
    request.request_line =
        fmt::format("{} {}{} HTTP/1.1\r\n", head.method, rest.starts_with('/') ? "" : "/", rest);
    for (std::size_t index = 0; index < head.headers.size(); ++index) {
        const auto [name, value] = head.headers.at(index);
        constexpr auto kReplaced =
            std::to_array<std::string_view>({"Host", "Expect", "Content-Length"});
        if (is_for_connection(head.headers, name) || is_ours(name) || is_one_of(name, kReplaced)) {
            continue;
        }
        append_field(request.fields, name, value);
    }
    request.has_body = head.has_body;
    request.is_chunked = head.has_body && !head.content_length;
    // Once, whatever the client says of it elsewhere: both sides must agree where the body ends.
    if (head.content_length) {
        append_field(request.fields, "Content-Length", fmt::format("{}", *head.content_length));
    }
    if (request.is_chunked) append_field(request.fields, "Transfer-Encoding", "chunked");
    append_field(request.fields, "Connection", "close");
    request.is_head = head.method == "HEAD";
    return request;
}

namespace {

// Held by the backend's hooks until its request is answered and over.
class Forwarding : public std::enable_shared_from_this<Forwarding> {
  public:
    Forwarding(ForwardRequest request, std::shared_ptr<RequestBody> body, Backend& backend,
               ForwardMeans means, Respond respond)
        : request_(std::move(request)),
          body_(std::move(body)),
          backend_(backend),
          means_(means),
          respond_(std::move(respond)),
          limit_(means.loop, [this] { on_limit(); }),
          pulse_(means.loop, [this] { on_pulse(); }) {}

    ForwardHooks hooks() {
        const auto self = shared_from_this();
        return {.begin = [self](ForwardPlace place) { self->begin(std::move(place)); },
                .stop = [self] { self->stop(); },
                .fail = [self](std::string id,
                               const base::Error& error) { self->fail(std::move(id), error); }};
    }

  private:
    // The request, on its way to the program --------------------------------------------------

    void begin(ForwardPlace place) {
        place_ = std::move(place);
        if (place_.limit != base::Duration::max()) limit_.start(place_.limit);
        UpstreamHandlers handlers{
            .on_connected = [this] { on_connected(); },
            .on_drained = [this] { send_more(); },
            .on_head = [this](UpstreamHead head) { answer(std::move(head)); },
            .on_body = [this](std::string_view piece) { pass(piece); },
            .on_end = [this] { end(); },
            .on_failed = [this](const base::Error& error) { break_off(error); },
        };
        upstream_ = std::make_unique<UpstreamConnection>(
            means_.loop, UpstreamAddress{.port = place_.port, .socket = place_.socket},
            request_.is_head, std::move(handlers));
    }

    // Until then nothing was sent, and the request may go to another worker.
    void on_connected() {
        backend_.forward_started(place_.request);
        if (!upstream_) return;
        upstream_->write(request_.request_line);
        upstream_->write(place_.port == 0 ? "Host: localhost\r\n"
                                          : fmt::format("Host: 127.0.0.1:{}\r\n", place_.port));
        upstream_->write(request_.fields);
        upstream_->write("\r\n");
        // By weak reference: the connection, which has the body, may outlive the request.
        body_->on_more = [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->send_more();
        };
        send_more();
    }

    void send_more() {
        while (upstream_ && upstream_->backlog() < UpstreamConnection::kBacklogMax) {
            const std::string piece = body_->take();
            if (piece.empty()) break;
            send(piece);
            backend_.forward_moved(place_.request, Mover::client);
        }
        if (body_->is_drained() && upstream_ && !std::exchange(has_sent_end_, true)) {
            if (request_.is_chunked) upstream_->write("0\r\n\r\n");
        }
        watch_client();
    }

    void send(std::string_view piece) {
        if (!request_.is_chunked) return upstream_->write(piece);
        upstream_->write(fmt::format("{:x}\r\n", piece.size()));
        upstream_->write(piece);
        upstream_->write("\r\n");
    }

    // The response, on its way back -----------------------------------------------------------

    void answer(UpstreamHead head) {
        backend_.forward_moved(place_.request, Mover::program);
        Reply reply{.status = head.status, .content_type = {}};
        for (std::size_t index = 0; index < head.headers.size(); ++index) {
            const auto [name, value] = head.headers.at(index);
            constexpr auto kReplaced = std::to_array<std::string_view>({"Content-Length", "Date"});
            if (is_for_connection(head.headers, name) || is_one_of(name, kReplaced)) continue;
            append_field(reply.fields, name, value);
        }
        append_field(reply.fields, "X-Windlass-Request-Id", place_.request_id);
        append_field(reply.fields, "X-Windlass-Copy", fmt::format("{}", place_.copy));
        append_field(reply.fields, "X-Windlass-Worker-Pid", fmt::format("{}", place_.worker_pid));
        append_field(reply.fields, "X-Windlass-Device", place_.device);
        reply.trace = {.request_id = place_.request_id};
        reply.stream = StreamBody{.length = head.length,
                                  .start = [self = shared_from_this()](ReplyStream stream) {
                                      self->take_stream(std::move(stream));
                                  }};
        if (auto respond = std::exchange(respond_, nullptr)) respond(std::move(reply));
    }

    void take_stream(ReplyStream stream) {
        stream_ = std::move(stream);
        const auto weak = weak_from_this();
        stream_.listen({.on_room =
                            [weak] {
                                const auto self = weak.lock();
                                if (!self || !self->upstream_) return;
                                self->upstream_->resume();
                                self->watch_client();
                            },
                        .on_gone =
                            [weak] {
                                const auto self = weak.lock();
                                if (self) self->backend_.client_gone(self->place_.request);
                            }});
    }

    void pass(std::string_view piece) {
        backend_.forward_moved(place_.request, Mover::program);
        stream_.write(piece);
        if (stream_.backlog() == 0) return;
        upstream_->pause();
        watch_client();
    }

    // Its end ---------------------------------------------------------------------------------

    void end() {
        stream_.end();
        finish(std::nullopt);
    }

    // Before the client has heard anything the backend's answer tells it; after that only a cut
    // does.
    void break_off(const base::Error& error) {
        stream_.break_off(error.code);
        finish(error);
    }

    void stop() {
        stream_.break_off(base::Errc::cancelled);
        close();
        // Not from within the order.
        means_.loop.post([self = shared_from_this(), place = place_] {
            self->backend_.forward_ended(
                place, base::fail(base::Errc::cancelled, "the request was ended"));
        });
    }

    void fail(std::string id, const base::Error& error) {
        stream_.break_off(error.code);
        if (auto respond = std::exchange(respond_, nullptr)) {
            respond(
                error_reply(error, {.request_id = std::move(id), .model = request_.limits.model}));
        }
    }

    void finish(const std::optional<base::Error>& error) {
        if (!upstream_) return;
        const auto keep = shared_from_this();  // the backend may let go of it
        close();
        backend_.forward_ended(place_, error);
    }

    void close() {
        upstream_.reset();
        body_->on_more = {};
        limit_.stop();
        pulse_.stop();
    }

    void on_limit() {
        break_off(base::fail(
            base::Errc::timeout,
            fmt::format("the request took longer than the `run_timeout` of the model {} ({}); its"
                        " connection to the program was closed. Raise it for streams that last",
                        request_.limits.model, base::to_text(place_.limit))));
    }

    // Time in which the program waits for the client ------------------------------------------

    bool waits_for_body() const {
        return upstream_ && upstream_->backlog() == 0 && !body_->is_complete();
    }
    bool waits_for_reader() const { return upstream_ && stream_.backlog() > 0; }

    void watch_client() {
        if (!waits_for_body()) body_awaited_since_.reset();
        if (waits_for_body() && !body_awaited_since_) body_awaited_since_ = means_.loop.now();
        if (waits_for_body() || waits_for_reader()) {
            pulse_.start(kPulse);
        } else {
            pulse_.stop();
        }
    }

    // That the client is slow is no stall of the model.
    void on_pulse() {
        backend_.forward_moved(place_.request, Mover::client);
        const bool is_silent =
            body_awaited_since_ && means_.loop.now() - *body_awaited_since_ > means_.body_timeout;
        if (!is_silent) return watch_client();
        if (auto respond = std::exchange(respond_, nullptr)) {
            respond(refusal_reply(
                {408, base::fail(base::Errc::timeout,
                                 fmt::format("the body of the request did not go on arriving"
                                             " within {}; send it without a pause",
                                             base::to_text(means_.body_timeout)))}));
        }
        stream_.break_off(base::Errc::timeout);
        backend_.client_gone(place_.request);
    }

    ForwardRequest request_;
    std::shared_ptr<RequestBody> body_;
    Backend& backend_;
    ForwardMeans means_;
    Respond respond_;  // none: the client has its answer, or the beginning of it
    ForwardPlace place_ = {};
    std::unique_ptr<UpstreamConnection> upstream_;  // while it has its place
    ReplyStream stream_;
    io::Timer limit_;
    io::Timer pulse_;
    std::optional<base::Instant> body_awaited_since_;
    bool has_sent_end_ = false;
};

}  // namespace

std::uint64_t perform_forward(ForwardRequest request, std::shared_ptr<RequestBody> body,
                              Backend& backend, ForwardMeans means, Respond respond) {
    CallRequest limits = request.limits;
    const auto forwarding = std::make_shared<Forwarding>(std::move(request), std::move(body),
                                                         backend, means, std::move(respond));
    return backend.forward(std::move(limits), forwarding->hooks());
}

}  // namespace windlass::http
