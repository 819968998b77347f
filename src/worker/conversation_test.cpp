// The order that the protocol demands, without any process.
#include "worker/conversation.h"

#include <doctest/doctest.h>

#include <vector>

using namespace std::chrono_literals;
namespace wire = windlass::wire;
namespace base = windlass::base;
namespace worker = windlass::worker;
using wire::FrameType;

namespace {

constexpr const char* kHello = R"({"protocol":1,"sdk":"s","pid":7,"runtime":"r"})";
constexpr const char* kHelloOfMovable =
    R"({"protocol":1,"sdk":"s","pid":7,"runtime":"r","can_offload":true})";
constexpr const char* kMoved = R"({"duration_us":1500,"before_bytes":70})";
constexpr const char* kAnswer = R"({"content_type":"a/b"})";
constexpr const char* kError = R"({"type":"transient","message":"m"})";

struct Talk {
    // The error that `frame` leads to; empty when it is in order.
    std::string hear(FrameType type, std::uint64_t id = 0, std::string_view meta = "",
                     std::string_view body = "") {
        const std::string bytes = wire::encode_head(type, id, meta, body.size()).append(body);
        const base::Result<void> heard = conversation.receive(bytes);
        return heard ? "" : heard.error().message;
    }
    void greet() { CHECK(hear(FrameType::hello, 0, kHello).empty()); }
    void be_loaded() {
        greet();
        conversation.load({.model = "m",
                           .device = "cpu",
                           .concurrency = 2,
                           .body_max = base::Bytes{100},
                           .heartbeat = 1s});
        CHECK(hear(FrameType::loaded).empty());
    }
    void give(std::uint64_t request) {
        conversation.run(request, {.content_type = "a/b", .variant = {}, .timeout = 1s}, 0);
    }
    template <class Kind>
    const Kind& last() const {
        REQUIRE_FALSE(events.empty());
        REQUIRE(std::holds_alternative<Kind>(events.back()));
        return std::get<Kind>(events.back());
    }

    std::vector<worker::Event> events;
    worker::Conversation conversation{
        5, "m", [this](worker::Event event) { events.push_back(std::move(event)); }};
};

}  // namespace

TEST_CASE("a whole life is in order") {
    Talk talk;
    CHECK(talk.hear(FrameType::log, 0, R"({"level":"error","message":"importing"})").empty());
    CHECK(talk.last<worker::Printed>().line == "importing");
    CHECK(talk.last<worker::Printed>().level == base::log::Level::error);
    talk.be_loaded();
    CHECK(std::get<worker::Hello>(talk.events[1]).pid == 7);
    CHECK(talk.last<worker::Loaded>().generation == 5);
    talk.give(1);
    talk.give(2);
    CHECK(talk.hear(FrameType::started, 1).empty());
    CHECK(talk.hear(FrameType::progress, 1, R"({"step":1})").empty());
    CHECK(talk.last<worker::Progressed>().step == 1);
    CHECK(talk.hear(FrameType::recalled, 2, R"({"recalled":true})").empty());
    CHECK(talk.last<worker::Recalled>().recalled);
    CHECK(talk.hear(FrameType::result, 1, kAnswer, "body").empty());
    CHECK(talk.last<worker::Answered>().body == "body");
    CHECK_FALSE(talk.last<worker::Answered>().peak.has_value());
    const std::size_t count = talk.events.size();
    CHECK(talk.hear(FrameType::heartbeat).empty());
    CHECK(talk.conversation.heartbeat_count() == 1);
    CHECK(talk.hear(FrameType::progress, 1).empty());  // late
    CHECK(talk.events.size() == count);
    CHECK(talk.hear(FrameType::recalled, 1, R"({"recalled":false})").empty());
    CHECK_FALSE(talk.last<worker::Recalled>().recalled);
}

TEST_CASE("an attempt at a job says once, before it runs, what it runs with") {
    Talk talk;
    talk.be_loaded();
    talk.give(1);
    talk.conversation.run(
        2, {.content_type = "a/b", .variant = {}, .timeout = 1s, .attempt = wire::Attempt{}}, 0);
    CHECK(talk.hear(FrameType::settings, 2, R"({"batch":4})").contains("none can come"));
    CHECK(talk.hear(FrameType::started, 1).empty());
    CHECK(talk.hear(FrameType::settings, 1, R"({"batch":4})").contains("none can come"));
    CHECK(talk.hear(FrameType::started, 2).empty());
    CHECK(talk.hear(FrameType::settings, 2, "[4]").contains("not a JSON object"));
    CHECK(talk.hear(FrameType::settings, 2, R"({"batch":4})").empty());
    CHECK(talk.last<worker::Adjusted>().request == 2);
    CHECK(talk.last<worker::Adjusted>().settings == R"({"batch":4})");
    CHECK(talk.hear(FrameType::settings, 2, R"({"batch":2})").contains("none can come"));
    CHECK(talk.hear(FrameType::settings, 3, "{}").contains("does not have"));
}

TEST_CASE("an answer may come without `started`") {
    Talk talk;
    talk.be_loaded();
    talk.give(1);
    CHECK(talk.hear(FrameType::error, 1, kError).empty());
    CHECK(talk.last<worker::Failed>().error.code == base::Errc::transient);
}

TEST_CASE("a failed start and a failed load carry no request") {
    Talk talk;
    CHECK(talk.hear(FrameType::error, 0, kError).empty());
    CHECK(talk.last<worker::Failed>().request == 0);
}

TEST_CASE("nothing but signs of life comes before `hello`, and that once") {
    for (const FrameType type : {FrameType::loaded, FrameType::started, FrameType::result,
                                 FrameType::recalled, FrameType::memory}) {
        Talk talk;
        CHECK(talk.hear(type).contains("before `hello`"));
        CHECK(talk.events.empty());
    }
    Talk talk;
    CHECK(talk.hear(FrameType::progress).empty());
    talk.greet();
    CHECK(talk.hear(FrameType::hello, 0, kHello) == "sent `hello` twice");
}

TEST_CASE("another version of the protocol is refused with what to do") {
    Talk talk;
    const std::string why =
        talk.hear(FrameType::hello, 0, R"({"protocol":2,"sdk":"s","pid":7,"runtime":"r"})");
    CHECK(why.contains("speaks version 2"));
    CHECK(why.contains("use the `windlass` package"));
}

TEST_CASE("`loaded` answers one `load`") {
    Talk talk;
    talk.greet();
    CHECK(talk.hear(FrameType::loaded).contains("nobody asked for"));
    Talk other;
    other.be_loaded();
    CHECK(other.hear(FrameType::loaded).contains("nobody asked for"));
    CHECK(other.hear(FrameType::error, 0, kError).contains("after `loaded`"));
}

TEST_CASE("an answer that nobody waits for breaks nothing, a start or recall of nothing does") {
    Talk talk;
    talk.be_loaded();
    talk.give(1);
    CHECK(talk.hear(FrameType::result, 2, kAnswer).empty());
    CHECK(talk.hear(FrameType::result, 1, kAnswer).empty());
    CHECK(talk.hear(FrameType::result, 1, kAnswer).empty());
    CHECK(talk.hear(FrameType::error, 1, kError).empty());
    CHECK(talk.hear(FrameType::started, 1).contains("does not have"));
    CHECK(talk.hear(FrameType::recalled, 1, R"({"recalled":true})").contains("does not have"));
}

TEST_CASE("what has started is not started again nor recalled") {
    Talk talk;
    talk.be_loaded();
    talk.give(1);
    CHECK(talk.hear(FrameType::started, 1).empty());
    CHECK(talk.hear(FrameType::started, 1).contains("twice"));
    CHECK(talk.hear(FrameType::recalled, 1, R"({"recalled":true})").contains("has begun"));
}

TEST_CASE("weights go and come back as often as they are told to") {
    Talk talk;
    CHECK(talk.hear(FrameType::hello, 0, kHelloOfMovable).empty());
    CHECK(talk.last<worker::Hello>().can_offload);
    talk.conversation.load({.model = "m", .device = "cuda", .concurrency = 1, .heartbeat = 1s});
    CHECK(talk.hear(FrameType::loaded).empty());
    for (int round = 0; round < 2; ++round) {
        talk.conversation.offload();
        CHECK(talk.hear(FrameType::offloaded, 0, kMoved).empty());
        CHECK(talk.last<worker::Offloaded>().generation == 5);
        CHECK(talk.last<worker::Offloaded>().duration == 1500us);
        CHECK(talk.last<worker::Offloaded>().before == base::Bytes{70});
        CHECK(talk.last<worker::Offloaded>().after == std::nullopt);
        talk.conversation.restore();
        CHECK(talk.hear(FrameType::progress, 0, R"({"step":1})").empty());
        CHECK(talk.last<worker::Progressed>().request == 0);
        CHECK(talk.hear(FrameType::restored, 0, kMoved).empty());
        CHECK(talk.last<worker::Restored>().before == base::Bytes{70});
    }
    talk.give(1);
    CHECK(talk.hear(FrameType::started, 1).empty());
}

TEST_CASE("a failed move is an `error` without a request, and changes nothing") {
    Talk talk;
    talk.be_loaded();
    talk.conversation.offload();
    CHECK(talk.hear(FrameType::error, 0, kError).empty());
    CHECK(talk.last<worker::OffloadFailed>().error.code == base::Errc::transient);
    CHECK(talk.hear(FrameType::error, 0, kError).contains("after `loaded`"));

    Talk other;
    other.be_loaded();
    other.conversation.offload();
    CHECK(other.hear(FrameType::offloaded, 0, kMoved).empty());
    other.conversation.restore();
    CHECK(other.hear(FrameType::error, 0, kError).empty());
    CHECK(other.last<worker::RestoreFailed>().error.code == base::Errc::transient);
    other.give(1);  // it must not begin: the weights are not there
    CHECK(other.hear(FrameType::started, 1).contains("while its model is offloaded"));
}

TEST_CASE("nobody moves weights unasked, in the other direction or under a run") {
    for (const FrameType answer : {FrameType::offloaded, FrameType::restored}) {
        Talk talk;
        talk.be_loaded();
        CHECK(talk.hear(answer, 0, kMoved).contains("nobody asked for"));
        Talk other;
        other.be_loaded();
        if (answer == FrameType::offloaded) {
            other.conversation.restore();
        } else {
            other.conversation.offload();
        }
        CHECK(other.hear(answer, 0, kMoved).contains("nobody asked for"));
    }
    Talk talk;
    talk.be_loaded();
    talk.give(7);
    CHECK(talk.hear(FrameType::started, 7).empty());
    talk.conversation.offload();
    CHECK(talk.hear(FrameType::offloaded, 0, kMoved) == "sent `offloaded` while request 7 runs");
}

TEST_CASE("what has not begun may be refused before or after the move that it met") {
    Talk talk;
    talk.be_loaded();
    talk.conversation.offload();
    talk.give(1);
    talk.give(2);
    CHECK(talk.hear(FrameType::error, 1, kError).empty());
    CHECK(talk.last<worker::Failed>().request == 1);
    CHECK(talk.hear(FrameType::offloaded, 0, kMoved).empty());
    CHECK(talk.hear(FrameType::error, 2, kError).empty());
    CHECK(talk.last<worker::Failed>().request == 2);
}

TEST_CASE("bodies come in results only, and no larger than `load` allowed") {
    Talk talk;
    CHECK(talk.hear(FrameType::hello, 0, kHello, "x").contains("at most 0"));
    Talk other;
    other.be_loaded();
    CHECK(other.hear(FrameType::heartbeat, 0, "", "x").contains("with a body"));
    other.give(1);
    CHECK(other.hear(FrameType::result, 1, kAnswer, std::string(101, 'x')).contains("at most 100"));
}

TEST_CASE("reserved types, and those of the other side, are refused") {
    for (const FrameType type : {FrameType::chunk, FrameType::memory}) {
        Talk talk;
        talk.be_loaded();
        CHECK(talk.hear(type).contains("only reserves"));
    }
    Talk talk;
    CHECK(talk.hear(FrameType::run).contains("not one that the worker sends"));
}

TEST_CASE("a bad meta is refused wherever it comes") {
    for (const FrameType type :
         {FrameType::hello, FrameType::progress, FrameType::error, FrameType::log}) {
        Talk talk;
        CHECK(talk.hear(type, 0, "[").contains("is not JSON"));
    }
    for (const FrameType type :
         {FrameType::result, FrameType::recalled, FrameType::offloaded, FrameType::restored}) {
        Talk talk;
        talk.be_loaded();
        talk.give(1);
        CHECK(talk.hear(type, 1, "[").contains("is not JSON"));
    }
}
