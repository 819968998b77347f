// Times of day, there and back.
#include "base/wall_time.h"

#include <doctest/doctest.h>

using windlass::base::parse_utc;
using windlass::base::utc_text;

TEST_CASE("a time of day is written in UTC and read again") {
    CHECK(utc_text(0) == "1970-01-01T00:00:00.000Z");
    CHECK(utc_text(-1) == "1969-12-31T23:59:59.999Z");
    CHECK(utc_text(1'709'164'800'000) == "2024-02-29T00:00:00.000Z");
    for (const std::int64_t time : {0L, -1L, 1'767'323'045'678L, 253'402'300'799'999L}) {
        CHECK(parse_utc(utc_text(time)) == time);
    }
    CHECK(parse_utc("2026-01-02T03:04:05Z") == 1'767'323'045'000);
    CHECK(parse_utc("2026-01-02T03:04:05.6Z") == 1'767'323'045'600);
    CHECK(parse_utc("2026-01-02T03:04:05.678901Z") == 1'767'323'045'678);
}

TEST_CASE("what is no time of day is none") {
    for (const char* text :
         {"", "x", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z",
          "2026-02-30T03:04:05Z", "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z",
          "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05.1", "2026-01-02T03:04:05Zx",
          "2026-01-02T+3:04:05Z", "-026-01-02T03:04:05Z", "2026-01-02 03:04:05Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_utc(text).has_value());
    }
}
