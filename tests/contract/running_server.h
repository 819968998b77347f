// For tests: the HTTP server with a backend of the test's, for clients that block.
#pragma once

#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "http/server.h"
#include "io/readiness.h"
#include "windlass/client.h"

namespace windlass::contract {

// A server on a thread of its own, because the client blocks. What the backend saw may be looked at
// after stop().
template <class Backend>
class RunningServer {
  public:
    explicit RunningServer(http::ServerOptions options = {}) {
        options.port = 0;
        auto made = http::Server::listen(loop_, options, backend);
        REQUIRE(made.has_value());
        server_ = std::move(*made);
        url_ = "http://127.0.0.1:" + std::to_string(server_->port());
        quit_.when_readable([this] {
            server_.reset();
            loop_.stop();
        });
        thread_ = std::jthread([this] { loop_.run([](base::Instant) { return std::nullopt; }); });
    }
    ~RunningServer() { stop(); }
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    void stop() {
        if (!thread_.joinable()) return;
        ::eventfd_write(quit_.descriptor(), 1);  // the loop itself is its thread's
        thread_.join();
    }
    ClientOptions options() const { return ClientOptions{.url = url_}; }

  private:
    io::Loop loop_;
    io::Readiness quit_{loop_, io::FileDescriptor{::eventfd(0, EFD_CLOEXEC)}};

  public:
    Backend backend;

  private:
    std::unique_ptr<http::Server> server_;
    std::string url_;
    std::jthread thread_;
};

}  // namespace windlass::contract
