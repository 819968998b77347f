// Bytes that arrived and were not consumed yet. Consuming from the front is cheap.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace windlass::http {

class InputBuffer {
  public:
    std::string_view view() const { return std::string_view{bytes_}.substr(begin_); }
    std::size_t size() const { return bytes_.size() - begin_; }
    bool empty() const { return size() == 0; }

    void append(std::string_view bytes) { bytes_.append(bytes); }
    void consume(std::size_t size) {
        begin_ += size;
        if (begin_ < bytes_.size() / 2) return;  // moves each byte at most twice on average
        bytes_.erase(0, begin_);
        begin_ = 0;
        if (bytes_.empty()) bytes_ = {};  // an idle connection keeps no memory
    }
    void clear() { *this = {}; }

  private:
    std::string bytes_;
    std::size_t begin_ = 0;
};

}  // namespace windlass::http
