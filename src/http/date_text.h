// The Date header of replies.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace windlass::http {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), formatted anew once a second.
class DateText {
  public:
    std::string_view at(std::time_t now);

  private:
    std::time_t second_ = -1;
    std::string text_;
};

}  // namespace windlass::http
