// Loopback sockets for the programs of the benchmark: blocking to set up, then as they like. What
// fails here ends the program with a message.
#pragma once

#include <string>

namespace windlass::bench {

// "127.0.0.1:7411", or the path of a Unix socket, which begins with a slash. Retries while nobody
// listens, at most 10 s.
int connect_to(const std::string& address);
// The same, listening; prints the address, with the real port, on a line of standard output.
int listen_at(const std::string& address);
int accept_from(int listener);

[[noreturn]] void give_up(const std::string& what);  // with errno's text

}  // namespace windlass::bench
