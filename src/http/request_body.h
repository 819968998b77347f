// A request's body that is handed on while it comes: between the connection, which reads it, and
// whoever takes it. Holds little, whoever is the slower one. Thread: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace windlass::http {

class RequestBody {
  public:
    // So much may wait here; with it the connection stops reading.
    static constexpr std::size_t kKeptMax = std::size_t{64} * 1024;

    // What came since the last time; makes room for more.
    std::string take() {
        std::string taken = std::exchange(kept_, {});
        if (!taken.empty() && on_room) on_room();
        return taken;
    }
    // Nothing more comes, though some of it may still wait to be taken.
    bool is_complete() const { return is_complete_; }
    bool is_drained() const { return is_complete_ && kept_.empty(); }

    // For the connection.
    void append(std::string_view bytes) {
        kept_ += bytes;
        if (on_more) on_more();
    }
    void complete() {
        is_complete_ = true;
        if (on_more) on_more();
    }
    bool is_full() const { return kept_.size() >= kKeptMax; }

    std::function<void()> on_more = {};  // for who takes it: there is more, or the end
    std::function<void()> on_room = {};  // for the connection: it may read on

  private:
    std::string kept_;
    bool is_complete_ = false;
};

}  // namespace windlass::http
