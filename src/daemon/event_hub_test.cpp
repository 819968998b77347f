// Events from the log to those who list and follow them, with stores that work, fail, or are none.
#include "daemon/event_hub.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "base/log.h"
#include "io/testing/run_until.h"
#include "store/testing/memory_store.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace http = windlass::http;
namespace io = windlass::io;
namespace log = windlass::base::log;
namespace store = windlass::store;
namespace wd = windlass::daemon;

namespace {

// Keeps what is written, and takes only so much of it off the producer's hands.
class FakeOutlet final : public http::StreamOutlet {
  public:
    bool is_open() const override { return is_open_; }
    bool write(std::string_view bytes) override {
        if (unread_ > 0 && unread_ + bytes.size() > http::ReplyStream::kBacklogMax) return false;
        text += bytes;
        if (!is_read) unread_ += bytes.size();
        return true;
    }
    std::size_t backlog() const override { return unread_; }
    void note(http::Trace) override {}
    void end() override { is_open_ = false, has_ended = true; }
    void break_off(base::Errc) override { is_open_ = false; }

    void read_all() {
        unread_ = 0;
        handlers.on_room();
    }
    void go() {
        is_open_ = false;
        handlers.on_gone();
    }

    std::string text;
    bool is_read = true;
    bool has_ended = false;

  private:
    bool is_open_ = true;
    std::size_t unread_ = 0;
};

// Refuses to keep anything as long as it is told to.
class FullStore final : public store::Store {
  public:
    explicit FullStore(io::Loop& loop) : memory_(loop) {}
    void append_events(std::vector<base::EventRecord> events, store::EventRetention retention,
                       store::EventsKept done) override {
        if (is_full) return done(base::fail(base::Errc::unavailable, "no room is left"));
        memory_.append_events(std::move(events), retention, std::move(done));
    }
    void read_events(base::EventQuery query, store::EventsRead done) override {
        memory_.read_events(std::move(query), std::move(done));
    }
    void remember_peak(store::Peak, store::Done) override {}
    void forget_peaks(store::NeedKey, store::Done) override {}
    void read_peaks(store::PeaksRead) override {}
    bool settle(base::Duration limit) override { return memory_.settle(limit); }
    bool finish(base::Duration limit) override { return memory_.finish(limit); }

    bool is_full = false;

  private:
    store::testing::MemoryStore memory_;
};

struct Bench {
    explicit Bench(wd::EventHub::Retention retention = {.age = 1h, .count = 1'000},
                   bool has_store = true)
        : hub(loop, has_store ? &full : nullptr, tap, retention, {.alive_period = 10ms}) {
        log::set_sink(
            [this](log::Level level, std::string_view code, std::span<const log::Field> fields) {
                tap->note(level, code, fields);
            });
    }
    ~Bench() { log::set_sink({}); }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    std::shared_ptr<FakeOutlet> follow(base::EventQuery query = {}) {
        auto outlet = std::make_shared<FakeOutlet>();
        hub.follow(std::move(query), http::ReplyStream{outlet});
        return outlet;
    }
    std::vector<base::EventRecord> list(base::EventQuery query = {}) {
        base::Result<base::EventPage> answer = base::fail(base::Errc::internal, "none yet");
        bool is_answered = false;
        hub.list(std::move(query), [&](auto page) {
            answer = std::move(page);
            is_answered = true;
        });
        REQUIRE(io::testing::run_until(loop, [&] { return is_answered; }));
        REQUIRE(answer);
        return answer->events;
    }
    bool shows(const FakeOutlet& outlet, std::string_view part) {
        return io::testing::run_until(loop, [&] { return outlet.text.contains(part); });
    }

    io::Loop loop;
    FullStore full{loop};
    std::shared_ptr<wd::LogTap> tap = std::make_shared<wd::LogTap>();
    wd::EventHub hub;
};

// How often `part` is in `text`.
int count(std::string_view text, std::string_view part) {
    int times = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
        ++times;
    }
    return times;
}

}  // namespace

TEST_CASE("log lines become events, but for what models print and what is for us only") {
    Bench bench;
    const auto follower = bench.follow();
    log::info("model.ready", {{"model", "digits"},
                              {"generation", 3},
                              {"pid", 4711},
                              {"device", "cpu"},
                              {"request", "r1"},
                              {"took", 250ms},
                              {"share", 0.5},
                              {"debt", -1},
                              {"warm", true}});
    log::info("worker.output", {{"model", "digits"}, {"line", "hello"}});
    log::debug("loop.turn");
    log::error("last");
    REQUIRE(bench.shows(*follower, "\"last\""));
    const std::vector<base::EventRecord> events = bench.list();
    REQUIRE(events.size() == 2);
    base::EventRecord first = events[0];
    CHECK(std::exchange(first.time_ms, 0) > 1'700'000'000'000);
    CHECK(first ==
          base::EventRecord{.number = 1,
                            .code = "model.ready",
                            .model = "digits",
                            .worker = 3,
                            .pid = 4711,
                            .device = "cpu",
                            .request = "r1",
                            .fields = R"({"took":"250ms","share":0.5,"debt":-1,"warm":true})"});
    CHECK(events[1].level == log::Level::error);
}

TEST_CASE("who follows gets what was missed and what comes, each once, in order") {
    Bench bench;
    for (int i = 1; i <= 200; ++i) log::info("old", {{"i", i}});
    REQUIRE(io::testing::run_until(bench.loop, [&] { return bench.list().size() == 100; }));
    const auto all = bench.follow({.after = 0});
    const auto some = bench.follow({.filter = {.code = "new"}, .after = 150});
    const auto live = bench.follow();
    for (int i = 1; i <= 50; ++i) {
        log::info(i % 2 == 0 ? "new" : "odd");
        io::testing::run_turn(bench.loop);
    }
    REQUIRE(bench.shows(*all, "id: 250\n"));
    REQUIRE(bench.shows(*some, "id: 250\n"));
    REQUIRE(bench.shows(*live, "id: 250\n"));
    std::size_t at = 0;
    for (int i = 1; i <= 250; ++i) {
        const std::string id = "id: " + std::to_string(i) + "\n";
        at = all->text.find(id, at);
        REQUIRE(at != std::string::npos);
    }
    CHECK(count(all->text, "\nid: ") == 250);
    CHECK(count(some->text, "\nid: ") == 25);
    CHECK(count(live->text, "\nid: ") == 50);
    CHECK_FALSE(all->text.contains("event: gap"));
    CHECK(all->text.starts_with("retry: 1000\n\n"));
    CHECK(bench.shows(*live, ": alive\n\n"));
}

TEST_CASE("numbers that are not kept any more, or never were, are told as a gap") {
    Bench bench{{.age = 1h, .count = 10}};
    for (int i = 1; i <= 30; ++i) {
        log::info("e");
        io::testing::run_turn(bench.loop);
    }
    REQUIRE(io::testing::run_until(bench.loop, [&] { return bench.list().back().number == 30; }));
    const auto late = bench.follow({.after = 5});
    REQUIRE(bench.shows(*late, "id: 30\n"));
    CHECK(
        late->text.contains("event: gap\ndata: {\"after\":5,\"next\":21,\"reason\":\"deleted\"}"));
    CHECK(count(late->text, "\nid: ") == 10);
    const auto in_time = bench.follow({.after = 20});
    REQUIRE(bench.shows(*in_time, "id: 30\n"));
    CHECK_FALSE(in_time->text.contains("gap"));
    const auto foreign = bench.follow({.after = 99});
    REQUIRE(bench.shows(*foreign, "id: 30\n"));
    CHECK(foreign->text.contains(R"({"after":99,"next":21,"reason":"renumbered"})"));
    CHECK(count(foreign->text, "\nid: ") == 10);
}

TEST_CASE("who reads too slowly is told so and let go, and others are not") {
    Bench bench;
    const auto slow = bench.follow();
    slow->is_read = false;
    const auto quick = bench.follow();
    const std::string text(10'000, 'x');
    for (int i = 0; i < 60; ++i) {
        log::info("e", {{"text", text}});
        io::testing::run_turn(bench.loop);
    }
    REQUIRE(io::testing::run_until(bench.loop, [&] { return slow->has_ended; }));
    CHECK(slow->text.size() < 2 * wd::EventFollowers::kUnreadMax);
    CHECK(slow->text.contains("event: end\ndata: {\"reason\":\"slow\""));
    CHECK(bench.shows(*quick, "id: 60\n"));
}

TEST_CASE("who catches up slowly is given as much as he takes, and loses nothing") {
    Bench bench;
    const std::string text(10'000, 'x');
    for (int i = 0; i < 100; ++i) log::info("e", {{"text", text}});
    REQUIRE(io::testing::run_until(bench.loop, [&] { return bench.list().size() == 100; }));
    const auto slow = bench.follow({.after = 0});
    slow->is_read = false;
    REQUIRE(bench.shows(*slow, "id: 7\n"));
    CHECK(slow->backlog() < 100'000);
    log::info("meanwhile");
    REQUIRE(io::testing::run_until(bench.loop, [&] {
        slow->read_all();
        return slow->text.contains("\"meanwhile\"");
    }));
    CHECK(count(slow->text, "\nid: ") == 101);
    log::info("afterwards");
    CHECK(bench.shows(*slow, "\"afterwards\""));
    slow->go();
    log::info("e");
    CHECK(bench.list().size() == 100);
}

TEST_CASE("what cannot be kept is shown without a number, counted, and told later") {
    Bench bench;
    const auto follower = bench.follow();
    bench.full.is_full = true;
    log::info("lost", {{"i", 1}});
    REQUIRE(bench.shows(*follower, "\"lost\""));
    log::info("lost", {{"i", 2}});
    REQUIRE(bench.shows(*follower, "\"i\":2"));
    REQUIRE(bench.shows(*follower, "events.not_kept"));
    CHECK(count(follower->text, "events.not_kept") == 1);
    CHECK_FALSE(follower->text.contains("id:"));
    CHECK(bench.hub.trouble().value_or(http::Trouble{}).message == "no room is left");
    bench.full.is_full = false;
    log::info("kept");
    REQUIRE(bench.shows(*follower, "events.lost"));
    CHECK(follower->text.contains(R"("events":3)"));  // the two, and what told of them
    CHECK_FALSE(bench.hub.trouble());
    CHECK(bench.list().size() == 2);
}

TEST_CASE("without a store events are followed and cannot be listed") {
    Bench bench{{.age = 1h, .count = 10}, false};
    const auto follower = bench.follow();
    log::info("model.ready");
    CHECK(bench.shows(*follower, "model.ready"));
    std::optional<base::Errc> code;
    bench.hub.list({}, [&](const auto& page) { code = page.error().code; });
    REQUIRE(io::testing::run_until(bench.loop, [&] { return code.has_value(); }));
    CHECK(code == base::Errc::unavailable);
    const auto late = bench.follow({.after = 3});
    CHECK(bench.shows(*late, R"(event: end
data: {"reason":"store_failed")"));
}

TEST_CASE("at the end all is written, and who follows is told why it ends") {
    Bench bench;
    const auto follower = bench.follow();
    log::info("daemon.stopping");
    REQUIRE(io::testing::run_until(bench.loop, [&] {
        bench.hub.let_followers_go();
        return bench.hub.is_quiet();
    }));
    CHECK(follower->has_ended);
    CHECK(follower->text.contains("daemon.stopping"));
    CHECK(follower->text.contains(R"("reason":"stopping")"));
    log::info("daemon.stopped");
    bench.hub.finish(30s);
    std::vector<base::EventRecord> events;
    bench.full.read_events({}, [&](auto page) { events = page->events; });
    bench.full.settle(30s);
    REQUIRE(events.size() == 2);
    CHECK(events[1].code == "daemon.stopped");
}
