// For tests: an id, and a fifo that tells whether a process lives.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "io/loop.h"
#include "io/stream.h"

namespace windlass::worker::testing {

// An id of a daemon that no other test program has at the same time: what has its tag is killed.
inline std::string unique_id() { return fmt::format("{:016x}", ::getpid()); }

// A fifo that a process under test opens for writing, and that tells when nobody holds it any more.
class LifeLine {
  public:
    LifeLine(io::Loop& loop, std::string path)
        : path_(std::move(path)),
          watch_(loop, open(),
                 {.on_data = [](auto) {}, .on_closed = [this](const auto&) { is_cut_ = true; }}) {}

    const std::string& path() const { return path_; }
    bool is_cut() const { return is_cut_; }

  private:
    io::FileDescriptor open() const {
        REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
        return io::FileDescriptor{::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    }

    std::string path_;
    bool is_cut_ = false;
    io::Stream watch_;
};

}  // namespace windlass::worker::testing
