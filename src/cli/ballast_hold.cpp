// `windlass ballast --hold`: the same model without a daemon, for who wants to see what that costs.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "cli/ballast.h"

namespace windlass::cli {
namespace {

int complain(const worker::Error& error) {
    std::fputs(("windlass ballast: " + error.message + "\n").c_str(), stderr);
    return 1;
}

bool say_line(const std::string& line) {
    return std::fputs(line.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

}  // namespace

int hold_ballast(Ballast& ballast) {
    if (const auto loaded = ballast.load("the first device"); !loaded)
        return complain(loaded.error());
    bool is_heard = say_line(fmt::format("{{\"pid\": {}}}\n", getpid()));
    for (std::string line; is_heard && std::getline(std::cin, line);) {
        worker::Request request{line};
        const auto answer = ballast.run(request);
        if (!answer) return complain(answer.error());
        is_heard = say_line(answer->body);
    }
    ballast.unload();
    return 0;
}

}  // namespace windlass::cli
