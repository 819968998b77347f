// Bytes, durations, errors and results.
#include <doctest/doctest.h>

#include <limits>
#include <set>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/digits.h"
#include "base/error.h"
#include "base/id.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
using base::operator""_MiB;
using base::operator""_GiB;

TEST_CASE("durations are read in every unit and nothing else is") {
    CHECK(base::parse_duration("1500ms") == 1500ms);
    CHECK(base::parse_duration("0s") == 0s);
    CHECK(base::parse_duration("1.5s") == 1500ms);
    CHECK(base::parse_duration("10m") == 10min);
    CHECK(base::parse_duration("24h") == 24h);
    CHECK(base::parse_duration("250us") == 250us);
    CHECK(base::parse_duration("7d") == 168h);
    for (const char* wrong : {"", "0", "10", "s", "-1s", "+1s", "1 s", "1e3s", "1sx", ".5s", "nans",
                              "infs", "999999999d", "never"}) {
        CAPTURE(wrong);
        CHECK_FALSE(base::parse_duration(wrong).has_value());
    }
}

TEST_CASE("durations print short and read back") {
    CHECK(base::to_text(0s) == "0s");
    CHECK(base::to_text(250ms) == "250ms");
    CHECK(base::to_text(1500ms) == "1.5s");
    CHECK(base::to_text(10min) == "10m");
    CHECK(base::to_text(2h) == "2h");
    for (const base::Duration d : {base::Duration{1ms}, base::Duration{90s}, base::Duration{36h}}) {
        CHECK(base::parse_duration(base::to_text(d)) == d);
    }
}

TEST_CASE("an instant never overflows") {
    const base::Instant now{1s};
    CHECK(base::saturating_add(now, 2s) == base::Instant{3s});
    CHECK(base::saturating_add(now, base::Duration::max()) == base::Instant::max());
}

TEST_CASE("byte amounts are read in IEC and decimal units") {
    CHECK(base::parse_bytes("512MiB") == 512_MiB);
    CHECK(base::parse_bytes("2.5GiB") == 2560_MiB);
    CHECK(base::parse_bytes("2GB") == base::Bytes{2'000'000'000});
    CHECK(base::parse_bytes("0B") == base::Bytes{0});
    for (const char* wrong : {"", "5", "GiB", "-1MiB", "1 GiB", "1Gi", "99999999TiB"}) {
        CAPTURE(wrong);
        CHECK_FALSE(base::parse_bytes(wrong).has_value());
    }
    CHECK(base::to_text(2560_MiB) == "2.5 GiB");
    CHECK(base::to_text(1_GiB) == "1 GiB");
    CHECK(base::to_text(base::Bytes{17}) == "17 B");
}

TEST_CASE("the error table has one row for each type, and names are unique") {
    std::set<std::string_view> names;
    for (const base::ErrorTraits& row : base::error_table()) {
        CHECK(&base::traits(row.code) == &row);
        CHECK(base::find_errc(row.name) == row.code);
        CHECK(names.insert(row.name).second);
        CHECK(row.http_status >= 400);
        CHECK(row.exit_code > 0);
    }
    CHECK(names.size() == static_cast<std::size_t>(base::Errc::internal) + 1);
    CHECK_FALSE(base::find_errc("gpu_oom").has_value());
}

namespace {

base::Result<int> half(int n) {
    if (n % 2 != 0) return base::fail(base::Errc::invalid_input, "odd");
    return n / 2;
}

base::Result<int> quarter(int n) { return WL_TRY(half(WL_TRY(half(n)))); }

}  // namespace

TEST_CASE("WL_TRY passes values on and hands errors up") {
    CHECK(quarter(12).value() == 3);
    CHECK(quarter(6).error().code == base::Errc::invalid_input);
    CHECK(base::with_context(quarter(6).error(), "dividing").message == "dividing: odd");
    CHECK(base::to_text(quarter(6).error()) == "invalid_input: odd");
}

TEST_CASE("a number is appended digit by digit, up to the largest") {
    std::string text = "r";
    base::append_digits(text, std::uint64_t{0});
    base::append_digits(text, 407U);
    base::append_digits(text, std::numeric_limits<std::uint64_t>::max());
    CHECK(text == "r040718446744073709551615");
}

TEST_CASE("milliseconds have three decimals, and of two the even one") {
    const auto text = [](base::Duration duration) {
        std::string out;
        base::append_milliseconds(out, duration);
        return out;
    };
    CHECK(text(0ns) == "0.000");
    CHECK(text(12'345'678ns) == "12.346");
    CHECK(text(40'500ns) == "0.040");
    CHECK(text(41'500ns) == "0.042");
    CHECK(text(25h) == "90000000.000");
    CHECK(text(-1'500us) == "-1.500");
}

TEST_CASE("a log line reaches the sink with its fields, and none is needed") {
    std::vector<std::string> seen;
    base::log::set_sink([&](base::log::Level, std::string_view event, auto fields) {
        seen.push_back(std::string{event} + "/" + std::to_string(fields.size()));
    });
    base::log::info("model.ready", {{"model", "digits"}, {"took", 250ms}});
    base::log::set_sink({});
    base::log::info("model.ready");
    CHECK(seen == std::vector<std::string>{"model.ready/2"});
}

TEST_CASE("whoever hooks a failed assertion hears of it, and may go on without what failed") {
    static int heard = 0;
    const base::AssertionHook former =
        base::set_assertion_hook([](const char* condition, const char*, int line) {
            ++heard;
            CHECK(condition == std::string{"1 > 2"});
            CHECK(line > 0);
            throw heard;
        });
    CHECK((former == nullptr));
    CHECK_THROWS_AS(WL_ASSERT(1 > 2), int);
    CHECK_THROWS_AS(WL_ASSERT(1 > 2), int);  // it is still there
    CHECK(heard == 2);
    base::set_assertion_hook(former);
}
