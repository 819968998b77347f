// bench_socket ADDRESS SIZE: reads SIZE bytes and sends them back, for ever, on one connection at a
// time. What the kernel alone costs for a large body.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "macro/sockets.h"

namespace bench = windlass::bench;

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const int listener = bench::listen_at(argv[1]);
    std::vector<char> body(static_cast<std::size_t>(std::atoll(argv[2])));
    while (true) {
        const int connection = bench::accept_from(listener);
        while (recv(connection, body.data(), body.size(), MSG_WAITALL) ==
               static_cast<ssize_t>(body.size())) {
            for (std::size_t sent = 0; sent < body.size();) {
                const ssize_t count =
                    send(connection, body.data() + sent, body.size() - sent, MSG_NOSIGNAL);
                if (count <= 0) break;
                sent += static_cast<std::size_t>(count);
            }
        }
        close(connection);
    }
}
