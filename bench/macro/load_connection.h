// One connection of the load generator: sends its request, reads the whole answer, and again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace windlass::bench {

struct Exchange {
    std::string request;        // sent as it is
    std::size_t raw_reply = 0;  // bytes of an answer without a head; 0: it is HTTP
};

class LoadConnection {
  public:
    LoadConnection(int fd, const Exchange& exchange) : fd_(fd), exchange_(&exchange) {}

    enum class Step { again, answered, refused, broken };  // refused: not status 200
    void send_more();  // until the socket is full, or all is sent
    Step read_more();
    bool has_sent_all() const { return sent_ == exchange_->request.size(); }
    void start_over() { sent_ = received_ = expected_ = 0, head_.clear(); }
    int fd() const { return fd_; }

  private:
    Step read_head(std::string_view bytes);

    int fd_;
    const Exchange* exchange_;
    std::size_t sent_ = 0;
    std::size_t received_ = 0;  // of the whole answer
    std::size_t expected_ = 0;  // 0: the head is not complete
    std::string head_;
    bool is_good_ = true;
};

}  // namespace windlass::bench
