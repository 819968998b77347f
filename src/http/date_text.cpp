// Dates as HTTP writes them, whatever the locale.
#include "http/date_text.h"

#include <fmt/core.h>

#include <array>
#include <string_view>

namespace windlass::http {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string_view DateText::at(std::time_t now) {
    if (now == second_) return text_;
    std::tm utc{};
    gmtime_r(&now, &utc);
    text_ = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                        kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                        kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900,
                        utc.tm_hour, utc.tm_min, utc.tm_sec);
    second_ = now;
    return text_;
}

}  // namespace windlass::http
