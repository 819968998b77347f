// One request to a program on this machine that serves HTTP, and its response, both in pieces as
// they come. Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/result.h"
#include "http/headers.h"
#include "io/loop.h"

namespace windlass::http {

// A port of 127.0.0.1, or the path of a Unix socket.
struct UpstreamAddress {
    std::uint16_t port = 0;   // 0: it is the socket
    std::string socket = {};  // empty: it is the port
};

struct UpstreamHead {
    int status = 0;
    Headers headers;
    std::optional<std::uint64_t> length = {};  // of the body, if the program says it
};

// They come from the loop, never from within a method here, and none after the connection was
// destroyed, which is allowed within each of them.
struct UpstreamHandlers {
    std::function<void()> on_connected = {};
    std::function<void()> on_drained = {};  // backlog() was more than nothing and is nothing now
    std::function<void(UpstreamHead)> on_head = {};  // once; interim responses (1xx) are skipped
    std::function<void(std::string_view)> on_body = {};
    std::function<void()> on_end = {};  // the response is whole
    // Instead of what was still to come. `worker_lost`: the program does not listen, closed the
    // connection too early, or what it says is no HTTP.
    std::function<void(base::Error)> on_failed = {};
};

class UpstreamConnection {
  public:
    // Whoever writes should stop when so much is kept, and wait for on_drained.
    static constexpr std::size_t kBacklogMax = std::size_t{256} << 10;

    // Begins to connect. `is_bodiless`: the response to the request has no body, whatever it says.
    UpstreamConnection(io::Loop& loop, const UpstreamAddress& address, bool is_bodiless,
                       UpstreamHandlers handlers);
    ~UpstreamConnection();
    UpstreamConnection(const UpstreamConnection&) = delete;
    UpstreamConnection& operator=(const UpstreamConnection&) = delete;

    // Any bytes, also before it is connected.
    void write(std::string_view bytes);
    std::size_t backlog() const;

    // Reads nothing until resume(), so that the program has to wait.
    void pause();
    void resume();

  private:
    struct State;
    std::shared_ptr<State> state_;  // with the callbacks that are under way
};

}  // namespace windlass::http
