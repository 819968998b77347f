// The hidden `windlass drill-client URL`: hands over a job for each line "MODEL KEY INPUT" of its
// input, and writes "KEY ID" once it is acknowledged, or "!KEY WHY". Without a daemon it tries
// again for a while, with the same key.
#include <poll.h>
#include <sys/prctl.h>
#include <windlass/client.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

#include "cli/body_text.h"
#include "cli/commands.h"

namespace windlass::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 30s;
constexpr int kPauseMs = 20;  // there is nothing to wait on while no daemon is there

bool say(const std::string& line) {
    return std::fputs((line + "\n").c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

std::string hand_over(Client& client, const std::string& line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    if (first == std::string::npos || second == std::string::npos) return "!? cannot be read";
    const std::string key = line.substr(first + 1, second - first - 1);
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (true) {
        const auto ticket = client.submit(line.substr(0, first), line.substr(second + 1),
                                          {.content_type = "text/plain", .key = key});
        if (ticket) return key + " " + ticket->id;
        const bool is_away = ticket.error().type == "unavailable";
        if (!is_away || std::chrono::steady_clock::now() >= give_up)
            return "!" + key + " " + one_line(ticket.error().message);
        ::poll(nullptr, 0, kPauseMs);
    }
}

}  // namespace

int run_drill_client(int count, char* const* arguments) {
    if (count != 1) return 2;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    Client client{{.url = arguments[0], .query_timeout = kPatience}};
    bool is_heard = true;
    for (std::string line; is_heard && std::getline(std::cin, line);)
        is_heard = say(hand_over(client, line));
    return 0;
}

}  // namespace windlass::cli
