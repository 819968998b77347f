// X-Windlass-* header fields into values.
#include "http/request_fields.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
using http::ZeroDuration;

namespace {

http::Headers with(std::string_view name, std::string_view value) {
    http::Headers headers;
    headers.add(name, value);
    return headers;
}

// Whether it is an invalid_input that names the field, the value and an example.
bool explains(const base::Error& error, std::string_view name, std::string_view example) {
    return error.code == base::Errc::invalid_input &&
           error.message.find(name) != std::string::npos &&
           error.message.find(example) != std::string::npos;
}

}  // namespace

TEST_CASE("fields that are not there are empty") {
    const http::Headers none;
    CHECK(http::read_duration(none, "X-Windlass-Wait", ZeroDuration::allowed).value() ==
          std::nullopt);
    CHECK(http::read_priority(none).value() == std::nullopt);
    CHECK(http::read_variant(none).value() == std::nullopt);
    CHECK(http::read_content_type(none).value().empty());
}

TEST_CASE("good fields are read") {
    const auto timeout = http::read_duration(with("x-windlass-timeout", "1500ms"),
                                             "X-Windlass-Timeout", ZeroDuration::refused);
    CHECK(timeout.value() == 1500ms);
    const auto wait = http::read_duration(with("X-Windlass-Wait", "0s"), "X-Windlass-Wait",
                                          ZeroDuration::allowed);
    CHECK(wait.value() == 0s);
    CHECK(http::read_priority(with("X-Windlass-Priority", "0")).value() == 0);
    CHECK(http::read_priority(with("X-Windlass-Priority", "9")).value() == 9);
    CHECK(http::read_variant(with("X-Windlass-Variant", "fp16-a.b_c")).value() == "fp16-a.b_c");
    CHECK(http::read_content_type(with("Content-Type", "text/plain; charset=utf-8")).value() ==
          "text/plain; charset=utf-8");
}

TEST_CASE("bad durations are refused with an example") {
    for (const char* wrong : {"", "5", "-1s", "1e3s", "soon", "0s", "0ms"}) {
        CAPTURE(wrong);
        const auto read = http::read_duration(with("X-Windlass-Timeout", wrong),
                                              "X-Windlass-Timeout", ZeroDuration::refused);
        REQUIRE_FALSE(read.has_value());
        CHECK(explains(read.error(), "X-Windlass-Timeout", "30s"));
    }
}

TEST_CASE("bad priorities, variants and content types are refused with an example") {
    for (const char* wrong : {"", "10", "-1", "4.0", "high", " "}) {
        CAPTURE(wrong);
        const auto read = http::read_priority(with("X-Windlass-Priority", wrong));
        REQUIRE_FALSE(read.has_value());
        CHECK(explains(read.error(), "X-Windlass-Priority", "X-Windlass-Priority: 4"));
    }
    for (const std::string& wrong : {std::string{}, std::string{"a b"}, std::string(65, 'a')}) {
        CAPTURE(wrong);
        const auto read = http::read_variant(with("X-Windlass-Variant", wrong));
        REQUIRE_FALSE(read.has_value());
        CHECK(explains(read.error(), "X-Windlass-Variant", "X-Windlass-Variant: fp16"));
    }
    for (const std::string& wrong : {std::string{"text/\xff"}, std::string(1'025, 'a')}) {
        const auto read = http::read_content_type(with("Content-Type", wrong));
        REQUIRE_FALSE(read.has_value());
        CHECK(explains(read.error(), "Content-Type", "application/json"));
    }
}

TEST_CASE("a field that is there twice is refused") {
    http::Headers twice;
    twice.add("X-Windlass-Priority", "1");
    twice.add("X-Windlass-Priority", "1");
    const auto read = http::read_priority(twice);
    REQUIRE_FALSE(read.has_value());
    CHECK(explains(read.error(), "X-Windlass-Priority", "once"));
}
