// bench_job_load enqueue|cycle|beanstalk ADDRESS CALLERS SECONDS BODY: each caller hands BODY over
// as a job and, but for `enqueue`, waits until it is seen to be over; then the next. Prints one
// line of JSON: how many there were within the time, and how long they took to be acknowledged and
// to be over. What was begun is waited for at the end, so that a lost answer shows.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "macro/sockets.h"

namespace {

namespace bench = windlass::bench;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 30s;  // for what is still open when the time is over

// --- protocols: what is said, and what is heard

struct Next {
    enum Kind { ask, over, refused } kind = ask;
    std::string request = {};
};

class Protocol {
  public:
    Protocol() = default;
    Protocol(const Protocol&) = delete;
    Protocol& operator=(const Protocol&) = delete;
    virtual ~Protocol() = default;

    virtual const std::string& first() const = 0;
    // Of the answer at the beginning; 0: it is not all there yet.
    virtual std::size_t size_of_answer(std::string_view heard) const = 0;
    virtual Next on_answer(std::size_t step, std::string_view answer) const = 0;
};

std::size_t number_at(std::string_view text) {
    std::size_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

class Windlass final : public Protocol {
  public:
    Windlass(std::string_view body, bool waits)
        : waits_(waits),
          first_(fmt::format("POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                             "application/json\r\nContent-Length: {}\r\n\r\n{}",
                             body.size(), body)) {}

    const std::string& first() const override { return first_; }

    std::size_t size_of_answer(std::string_view heard) const override {
        const std::size_t end = heard.find("\r\n\r\n");
        if (end == std::string_view::npos) return 0;
        constexpr std::string_view kLength = "Content-Length: ";
        const std::size_t field = heard.substr(0, end).find(kLength);
        const std::size_t length =
            field == std::string_view::npos ? 0 : number_at(heard.substr(field + kLength.size()));
        return end + 4 + length <= heard.size() ? end + 4 + length : 0;
    }

    Next on_answer(std::size_t step, std::string_view answer) const override {
        if (step > 0) {
            const bool is_good = answer.starts_with("HTTP/1.1 200 ") &&
                                 answer.find(R"("state":"succeeded")") != std::string_view::npos;
            return {.kind = is_good ? Next::over : Next::refused};
        }
        constexpr std::string_view kId = R"({"id":")";
        const std::size_t id = answer.find(kId);
        if (!answer.starts_with("HTTP/1.1 202 ") || id == std::string_view::npos) {
            return {.kind = Next::refused};
        }
        if (!waits_) return {.kind = Next::over};
        const std::string_view rest = answer.substr(id + kId.size());
        return {.request =
                    fmt::format("GET /api/jobs/{}?wait=30s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                rest.substr(0, rest.find('"')))};
    }

  private:
    const bool waits_;
    const std::string first_;
};

// https://github.com/beanstalkd/beanstalkd/blob/master/doc/protocol.txt
class Beanstalk final : public Protocol {
  public:
    explicit Beanstalk(std::string_view body)
        : first_(fmt::format("put 0 0 60 {}\r\n{}\r\n", body.size(), body)) {}

    const std::string& first() const override { return first_; }

    std::size_t size_of_answer(std::string_view heard) const override {
        const std::size_t end = heard.find("\r\n");
        if (end == std::string_view::npos) return 0;
        std::size_t size = end + 2;
        if (heard.starts_with("RESERVED ")) {
            size += number_at(heard.substr(heard.rfind(' ', end) + 1)) + 2;
        }
        return size <= heard.size() ? size : 0;
    }

    Next on_answer(std::size_t step, std::string_view answer) const override {
        if (step == 0 && answer.starts_with("INSERTED ")) return {.request = "reserve\r\n"};
        if (step == 1 && answer.starts_with("RESERVED ")) {
            return {.request = fmt::format("delete {}\r\n", number_at(answer.substr(9)))};
        }
        return {.kind = step == 2 && answer == "DELETED\r\n" ? Next::over : Next::refused};
    }

  private:
    const std::string first_;
};

// --- callers

struct Caller {
    int fd;
    std::string unsent = {};
    std::string heard = {};
    std::size_t step = 0;
    Clock::time_point began = {};
    Clock::time_point acknowledged = {};
};

void send_more(Caller& caller) {
    while (!caller.unsent.empty()) {
        const ssize_t count = send(caller.fd, caller.unsent.data(), caller.unsent.size(),
                                   MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count <= 0) return;
        caller.unsent.erase(0, static_cast<std::size_t>(count));
    }
}

void hear_more(Caller& caller) {
    char buffer[16'384];
    while (true) {
        const ssize_t count = recv(caller.fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) bench::give_up("a connection broke");
        caller.heard.append(buffer, static_cast<std::size_t>(count));
        if (static_cast<std::size_t>(count) < sizeof buffer) return;  // there is no more for now
    }
}

void ask(Caller& caller, std::string request) {
    caller.unsent = std::move(request);
    send_more(caller);
}

struct Times {
    std::vector<std::int64_t> acknowledged;  // nanoseconds since it was asked for
    std::vector<std::int64_t> over;
};

class Drive {
  public:
    Drive(const Protocol& protocol, const std::string& address, std::size_t callers)
        : protocol_(protocol), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
        callers_.reserve(callers);  // epoll holds addresses of them
        for (std::size_t i = 0; i < callers; ++i) {
            callers_.push_back({.fd = bench::connect_to(address)});
            epoll_event wanted{.events = EPOLLIN | EPOLLOUT | EPOLLET,
                               .data = {.ptr = &callers_.back()}};
            if (epoll_ctl(epoll_, EPOLL_CTL_ADD, callers_.back().fd, &wanted) != 0) {
                bench::give_up("epoll_ctl");
            }
        }
    }

    void run(std::chrono::duration<double> limit) {
        const auto begin = Clock::now();
        for (Caller& caller : callers_) start(caller);
        while (Clock::now() - begin < limit) turn();
        seconds_ = std::chrono::duration<double>(Clock::now() - begin).count();
        finished_in_time_ = times_.over.size();
        is_ending_ = true;
        const auto end = Clock::now() + kPatience;
        while (open_ > 0 && Clock::now() < end) turn();
    }

    void print() {
        fmt::print(R"({{"jobs": {}, "seconds": {:.3f}, "refused": {}, "unanswered": {}, )",
                   finished_in_time_, seconds_, refused_, open_);
        print(times_.acknowledged, "acknowledged");
        print(times_.over, "over");
        std::string first;
        for (const char c : refusal_.substr(0, 1'000)) {
            if (c == '"' || c == '\\') first += '\\';
            if (c >= ' ') first += c;
        }
        fmt::print(R"("refusal": "{}"}}{})", first, '\n');
    }

  private:
    void start(Caller& caller) {
        ++open_;
        caller.step = 0;
        caller.began = Clock::now();
        ask(caller, protocol_.first());
    }

    void turn() {
        epoll_event events[64];
        const int ready = epoll_wait(epoll_, events, 64, 100);
        for (int i = 0; i < ready; ++i) {
            Caller& caller = *static_cast<Caller*>(events[i].data.ptr);
            if (!caller.unsent.empty()) send_more(caller);
            hear_more(caller);
            const std::size_t size = protocol_.size_of_answer(caller.heard);
            if (size > 0) take(caller, size);
        }
    }

    void take(Caller& caller, std::size_t size) {
        const std::string answer = caller.heard.substr(0, size);
        caller.heard.erase(0, size);
        Next next = protocol_.on_answer(caller.step, answer);
        if (next.kind == Next::refused && refused_++ == 0) refusal_ = answer;
        const auto now = Clock::now();
        if (caller.step++ == 0) times_.acknowledged.push_back((now - caller.began).count());
        if (next.kind == Next::ask) return ask(caller, std::move(next.request));
        if (next.kind == Next::over) times_.over.push_back((now - caller.began).count());
        --open_;
        if (!is_ending_) start(caller);
    }

    static void print(std::vector<std::int64_t>& nanoseconds, std::string_view name) {
        for (const int percent : {50, 99}) {
            double value = 0;
            if (!nanoseconds.empty()) {
                const auto place =
                    nanoseconds.begin() +
                    static_cast<std::ptrdiff_t>(nanoseconds.size() - 1) * percent / 100;
                std::ranges::nth_element(nanoseconds, place);
                value = static_cast<double>(*place) / 1e3;
            }
            fmt::print(R"("{}_p{}_us": {:.1f}, )", name, percent, value);
        }
    }

    const Protocol& protocol_;
    const int epoll_;
    std::vector<Caller> callers_;
    Times times_;
    std::size_t finished_in_time_ = 0;
    double seconds_ = 0;
    std::size_t open_ = 0;
    std::size_t refused_ = 0;
    std::string refusal_;  // the first
    bool is_ending_ = false;
};

std::unique_ptr<Protocol> make_protocol(std::string_view name, std::string_view body) {
    if (name == "beanstalk") return std::make_unique<Beanstalk>(body);
    return std::make_unique<Windlass>(body, name == "cycle");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    const auto protocol = make_protocol(argv[1], argv[5]);
    Drive drive{*protocol, argv[2], static_cast<std::size_t>(std::atoi(argv[3]))};
    drive.run(std::chrono::duration<double>{std::atof(argv[4])});
    drive.print();
    return 0;
}
