// bench_load ADDRESS CONNECTIONS SECONDS BODY PATH: each connection asks again as soon as it has
// its answer. Prints one line of JSON. PATH "-": no HTTP, the body alone goes and comes back.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "macro/load_connection.h"
#include "macro/sockets.h"

namespace {

namespace bench = windlass::bench;
using Clock = std::chrono::steady_clock;

struct Driven {
    bench::LoadConnection connection;
    Clock::time_point asked;
};

bench::Exchange make_exchange(std::size_t body, const std::string& path) {
    const std::string bytes(body, 'x');
    if (path == "-") return {.request = bytes, .raw_reply = body};
    return {.request = fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\n"
                                   "Content-Type: application/octet-stream\r\n"
                                   "Content-Length: {}\r\n\r\n{}",
                                   path, body, bytes)};
}

double percentile_us(std::vector<std::int64_t>& nanoseconds, double share) {
    if (nanoseconds.empty()) return 0;
    const auto place =
        nanoseconds.begin() +
        static_cast<std::ptrdiff_t>(share * static_cast<double>(nanoseconds.size() - 1));
    std::ranges::nth_element(nanoseconds, place);
    return static_cast<double>(*place) / 1e3;
}

void ask(Driven& driven) {
    driven.connection.start_over();
    driven.asked = Clock::now();
    driven.connection.send_more();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    const auto count = static_cast<std::size_t>(std::atoi(argv[2]));
    const std::chrono::duration<double> limit{std::atof(argv[3])};
    const bench::Exchange exchange =
        make_exchange(static_cast<std::size_t>(std::atoll(argv[4])), argv[5]);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    std::vector<Driven> all;
    all.reserve(count);  // epoll holds addresses of them
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back({bench::LoadConnection{bench::connect_to(argv[1]), exchange}, {}});
        epoll_event wanted{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = &all.back()}};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, all.back().connection.fd(), &wanted) != 0) {
            bench::give_up("epoll_ctl");
        }
    }
    std::vector<std::int64_t> nanoseconds;
    nanoseconds.reserve(10'000'000);
    std::size_t refused = 0;
    const auto begin = Clock::now();
    for (Driven& driven : all) ask(driven);
    std::vector<epoll_event> events(count);
    while (Clock::now() - begin < limit) {
        const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < ready; ++i) {
            Driven& driven = *static_cast<Driven*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (!driven.connection.has_sent_all()) driven.connection.send_more();
            const auto step = driven.connection.read_more();
            if (step == bench::LoadConnection::Step::again) continue;
            if (step == bench::LoadConnection::Step::broken) bench::give_up("a connection broke");
            if (step == bench::LoadConnection::Step::refused) ++refused;
            nanoseconds.push_back((Clock::now() - driven.asked).count());
            ask(driven);
        }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const double p50 = percentile_us(nanoseconds, 0.5);
    const double p99 = percentile_us(nanoseconds, 0.99);
    fmt::print(R"({{"requests": {}, "refused": {}, "seconds": {:.3f}, )", nanoseconds.size(),
               refused, seconds);
    fmt::print(R"("p50_us": {:.1f}, "p99_us": {:.1f}}}{})", p50, p99, '\n');
    return 0;
}
