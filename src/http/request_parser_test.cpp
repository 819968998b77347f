// Requests out of bytes, whole and in pieces, and what is refused.
#include "http/request_parser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace std::string_view_literals;
namespace http = windlass::http;
using Progress = http::RequestParser::Progress;

namespace {

struct Parsed {
    http::RequestHead head;
    std::string body;
    std::size_t consumed = 0;
    int refused = 0;  // the status; 0: it was not
    bool is_complete = false;
};

// Feeds `piece` bytes at a time, as a connection does.
Parsed parse(std::string_view bytes, std::size_t piece, http::RequestLimits limits = {}) {
    http::RequestParser parser{limits};
    Parsed parsed;
    std::size_t available = 0;
    while (!parsed.is_complete) {
        const auto fed = parser.feed(bytes.substr(parsed.consumed, available - parsed.consumed));
        if (!fed) {
            parsed.refused = fed.error().status;
            break;
        }
        parsed.consumed += fed->consumed;
        parsed.is_complete = fed->progress == Progress::complete;
        if (fed->progress == Progress::head_done) {
            if (const auto refusal = parser.check_length()) parsed.refused = refusal->status;
            if (parsed.refused != 0) break;
        }
        if (fed->progress != Progress::need_more) continue;
        if (available == bytes.size()) break;
        available = std::min(available + piece, bytes.size());
    }
    parsed.head = parser.head();
    parsed.body = parser.take_body();
    return parsed;
}

Parsed parse(std::string_view bytes, http::RequestLimits limits = {}) {
    return parse(bytes, bytes.size(), limits);
}

constexpr std::string_view kRequest =
    "POST /api/models/digits/call?x=1 HTTP/1.1\r\nHost: localhost\r\nx-windlass-PRIORITY: 3 \r\n"
    "Content-Length: 5\r\n\r\nhello";

}  // namespace

TEST_CASE("a request reads the same however it is cut into pieces") {
    for (std::size_t piece = 1; piece <= kRequest.size(); ++piece) {
        CAPTURE(piece);
        const Parsed parsed = parse(kRequest, piece);
        REQUIRE(parsed.is_complete);
        CHECK(parsed.head.method == "POST");
        CHECK(parsed.head.target == "/api/models/digits/call?x=1");
        CHECK(parsed.head.headers.find("X-Windlass-Priority") == "3");
        CHECK(parsed.head.keep_alive);
        CHECK(parsed.head.has_body);
        CHECK(parsed.body == "hello");
        CHECK(parsed.consumed == kRequest.size());
    }
}

TEST_CASE("a parser never consumes what follows its request") {
    const std::string two = std::string{kRequest} + std::string{kRequest};
    CHECK(parse(two).consumed == kRequest.size());
    const std::string bare = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    CHECK(parse(bare + bare).consumed == bare.size());
}

TEST_CASE("a POST without a length has an empty body") {
    const Parsed parsed = parse("POST /v2/repository/index HTTP/1.1\r\nhost: localhost\r\n\r\n");
    CHECK(parsed.is_complete);
    CHECK_FALSE(parsed.head.has_body);
    CHECK(parsed.body.empty());
}

TEST_CASE("empty lines before a request are skipped") {
    const std::string padded = "\r\n\r\n" + std::string{kRequest};
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, padded.size()}) {
        CAPTURE(piece);
        CHECK(parse(padded, piece).body == "hello");
    }
}

TEST_CASE("keep-alive is the habit of HTTP/1.1 and a wish in HTTP/1.0") {
    const auto keeps = [](std::string_view version, std::string_view field) {
        return parse("GET / HTTP/" + std::string{version} + "\r\nHost: a\r\n" + std::string{field} +
                     "\r\n")
            .head.keep_alive;
    };
    CHECK(keeps("1.1", ""));
    CHECK_FALSE(keeps("1.1", "Connection: Close\r\n"));
    CHECK_FALSE(keeps("1.0", ""));
    CHECK(keeps("1.0", "Connection: keep-alive\r\n"));
}

TEST_CASE("chunked bodies are put together, trailers are dropped") {
    constexpr std::string_view kChunked =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "5;name=value\r\nhello\r\n1\r\n \r\n05\r\nworld\r\n0\r\nHost: evil\r\nX: y\r\n\r\n";
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{2}, std::size_t{7}, kChunked.size()}) {
        CAPTURE(piece);
        const Parsed parsed = parse(kChunked, piece);
        CHECK(parsed.is_complete);
        CHECK(parsed.body == "hello world");
        CHECK(parsed.head.headers.count("Host") == 1);
        CHECK(parsed.head.headers.count("X") == 0);
    }
}

TEST_CASE("a body over the limit is refused before it is read, a chunked one on the way") {
    const http::RequestLimits limits{.body_bytes = 10};
    const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
    CHECK(parse(start + "Content-Length: 11\r\n\r\n", limits).refused == 413);
    CHECK(parse(start + "Content-Length: 10\r\n\r\n0123456789", limits).is_complete);
    const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
    CHECK(parse(chunked + "6\r\n012345\r\n5\r\n", limits).refused == 413);
    CHECK(parse(chunked + "fffffffffffffff0\r\n", limits).refused == 413);
    CHECK(parse(chunked + "6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n", limits).is_complete);
}

TEST_CASE("a header over the limit is refused, also when it drips in line by line") {
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: b\r\n\r\n";
    const auto limits = [](std::size_t bytes) { return http::RequestLimits{.head_bytes = bytes}; };
    CHECK(parse(request, limits(request.size())).is_complete);
    CHECK(parse(request, limits(request.size() - 1)).refused == 431);

    // Each piece ends one byte into a line, so that Beast consumes all lines before it at once.
    std::string endless = "GET /healthz HTTP/1.1\r\n";
    REQUIRE(endless.size() % 6 == 5);
    for (int i = 0; i < 500; ++i) endless += "A: b\r\n";
    const Parsed parsed = parse(endless, 6, limits(1'000));
    CHECK(parsed.refused == 431);
    CHECK(parsed.consumed <= 1'000);
}

TEST_CASE("a chunk's size line cannot grow without end") {
    const http::RequestLimits limits{.head_bytes = 200};
    const std::string request =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;" +
        std::string(300, 'x');
    CHECK(parse(request, limits).refused == 400);
    CHECK(parse(request, 10, limits).refused == 400);
}

TEST_CASE("what is not HTTP is refused at once") {
    for (const std::string_view wrong : {
             "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv,  // TLS
             "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv,
             "GET / HTTP/1.1\nHost: a\n\n"sv,
             "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"sv,
             "GET / HTTP/1.1\r\nHost : a\r\n\r\n"sv,
             "GET / HTTP/1.1\r\nHost: a\r\nA\x01: b\r\n\r\n"sv,
             "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n"sv,
             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"sv,
             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\n"sv,
             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"sv,
             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"sv,
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"sv,
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"sv,
         }) {
        CAPTURE(wrong);
        CHECK(parse(wrong).refused == 400);
        CHECK_FALSE(parse(wrong, 1).is_complete);
    }
}

TEST_CASE("framing that two servers might read differently is refused") {
    const auto refused = [](std::string_view fields, std::string_view version = "1.1") {
        return parse("POST / HTTP/" + std::string{version} + "\r\nHost: a\r\n" +
                     std::string{fields} + "\r\n0\r\n\r\n")
            .refused;
    };
    CHECK(refused("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
    CHECK(refused("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == 400);
    CHECK(refused("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n") == 501);
    CHECK(refused("Transfer-Encoding: gzip\r\n") == 501);
    CHECK(refused("Transfer-Encoding: gzip, chunked\r\n") == 501);
    CHECK(refused("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n") == 501);
    CHECK(refused("Transfer-Encoding: identity\r\n") == 501);
    CHECK(refused("Transfer-Encoding: chunked\r\n", "1.0") == 400);
    CHECK(refused("Transfer-Encoding: chunked\r\n") == 0);
}

TEST_CASE("memory for a body is taken as it arrives, not as it is announced") {
    http::RequestParser parser{{}};
    const auto head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000000\r\n\r\n"sv;
    REQUIRE(parser.feed(head)->progress == Progress::head_done);
    REQUIRE(parser.feed("x"sv)->consumed == 1);
    CHECK(parser.take_body().capacity() <= 1024 * 1024);
}

TEST_CASE("only HTTP/1.1 clients are invited to send a body") {
    const auto expects = [](std::string_view version) {
        return parse("POST / HTTP/" + std::string{version} +
                     "\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n")
            .head.expects_continue;
    };
    CHECK(expects("1.1"));
    CHECK_FALSE(expects("1.0"));
}

// Beast 1.81 aborts the process when it gets fewer than five bytes of a last chunk that is the
// first.
TEST_CASE("a body of no chunk but the last arrives byte by byte") {
    const std::string request =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (std::size_t piece = 1; piece <= request.size(); ++piece) {
        const Parsed parsed = parse(request, piece);
        CHECK(parsed.is_complete);
        CHECK(parsed.consumed == request.size());
    }
    CHECK_FALSE(parse(request.substr(0, request.size() - 2) + "{}", 1).is_complete);
}

TEST_CASE("a chunk that cannot become a good one is refused at its first bad byte") {
    const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char* const bad :
         {"x", "-", " ", "\r", "\n", "5x", "5\n", "5\rx", "0x", "g", "3\r\nabcd", "3\r\nabc\n",
          "3\r\nabc\rx", "3\r\nabc\r\nx", "3\r\nabc\r\n\r", "3\r\nabc\r\n0-", "6\r\nabcdef\r\nz"}) {
        CAPTURE(bad);
        const std::string request = start + bad;
        for (std::size_t piece = 1; piece <= request.size(); ++piece) {
            CHECK(parse(request, piece).refused == 400);
        }
        CHECK(parse(request.substr(0, request.size() - 1), 1).refused == 0);
    }
    // What may still become one is waited for.
    for (const char* const good : {"", "5", "5 ", "5;", "5\r", "0", "0\r", "0\r\n", "0\r\nX: y\r\n",
                                   "3\r\nx\ry", "3\r\nabc", "3\r\nabc\r", "3\r\nabc\r\n",
                                   "3\r\nabc\r\nA", "000000000000000000000000000000000000005"}) {
        CAPTURE(good);
        const std::string request = start + good;
        for (std::size_t piece = 1; piece <= request.size(); ++piece) {
            const Parsed parsed = parse(request, piece);
            CHECK(parsed.refused == 0);
            CHECK_FALSE(parsed.is_complete);
        }
    }
}

// Method: one to four bytes of good requests are overwritten, removed or doubled, by seed.
TEST_CASE("damaged requests read the same whole and in pieces") {
    const std::string good[] = {
        std::string{kRequest},
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;n=v\r\nhello\r\n0a\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\nA: b\r\n c\r\n\r\n",
    };
    constexpr std::string_view kBytes = "\r\n\0 :;,0159afx\x7f\xff\t\"%/"sv;
    std::mt19937 random{7411};
    const auto below = [&](std::size_t end) { return random() % end; };
    int complete = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string request = good[below(std::size(good))];
        for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
            const std::size_t at = below(request.size());
            const std::size_t kind = below(4);
            if (kind == 0) {
                request.erase(at, 1);
            } else if (kind == 1) {
                request.insert(at, 1, request[at]);
            } else {
                request[at] = kBytes[below(kBytes.size())];
            }
        }
        CAPTURE(request);
        const Parsed whole = parse(request);
        const Parsed pieces = parse(request, 1 + below(9));
        REQUIRE(whole.is_complete == pieces.is_complete);
        if (!whole.is_complete) continue;
        ++complete;
        REQUIRE(whole.consumed == pieces.consumed);
        REQUIRE(whole.body == pieces.body);
        REQUIRE(whole.head.target == pieces.head.target);
        REQUIRE(whole.head.keep_alive == pieces.head.keep_alive);
    }
    CHECK(complete > 1'000);  // else the damage is too great to test anything
}
