// What is learned, from one keeper to the next, and what becomes of a store that fails.
#include "daemon/need_keeper.h"

#include <doctest/doctest.h>

#include <utility>

#include "base/log.h"
#include "base/testing/scratch_directory.h"
#include "io/testing/run_until.h"
#include "store/testing/memory_store.h"

using namespace std::chrono_literals;
using namespace windlass::base;  // _GiB
namespace base = windlass::base;
namespace wd = windlass::daemon;
namespace io = windlass::io;
namespace store = windlass::store;
using wd::NeedKeeper;

namespace {

const store::NeedKey kKey{"digits", "", "nvml A"};
const store::NeedKey kHalf{"digits", "fp16", "nvml A"};
constexpr base::Duration kLimit = 30s;

using Recalled = std::vector<std::pair<store::NeedKey, std::vector<Bytes>>>;

NeedKeeper::Recalled into(Recalled& recalled) {
    return [&recalled](const store::NeedKey& key, const std::vector<Bytes>& peaks) {
        recalled.emplace_back(key, peaks);
    };
}

// The names of all events while it lives.
struct Events {
    Events() {
        base::log::set_sink(
            [this](base::log::Level, std::string_view event, std::span<const base::log::Field>) {
                names.emplace_back(event);
            });
    }
    ~Events() { base::log::set_sink({}); }
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    std::vector<std::string> names;
};

// Fails as long as it is told to.
class FailingStore final : public store::Store {
  public:
    void remember_peak(store::Peak, store::Done done) override { done(outcome()); }
    void forget_peaks(store::NeedKey, store::Done done) override { done(outcome()); }
    void read_peaks(store::PeaksRead done) override {
        if (is_locked) return done(base::fail(base::Errc::unavailable, "it is locked"));
        done(std::vector{store::Peak{kKey, 2_GiB}, store::Peak{kKey, Bytes{1ULL << 60}}});
    }
    void append_events(std::vector<base::EventRecord>, store::EventRetention,
                       store::EventsKept) override {}
    void read_events(base::EventQuery, store::EventsRead) override {}
    bool settle(base::Duration) override { return is_quick; }
    bool finish(base::Duration) override { return is_quick; }

    bool is_full = false;
    bool is_locked = false;
    bool is_quick = true;

  private:
    base::Result<void> outcome() const {
        if (is_full) return base::fail(base::Errc::unavailable, "no room is left");
        return {};
    }
};

// Which there must be.
windlass::http::Trouble trouble_of(const NeedKeeper& keeper) {
    const auto trouble = keeper.trouble();
    REQUIRE(trouble.has_value());
    return trouble.value_or(windlass::http::Trouble{});
}

}  // namespace

TEST_CASE("[A3.10] what one keeper is told, the next recalls") {
    const base::testing::ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    io::Loop loop;
    Recalled recalled;
    {
        NeedKeeper keeper{loop, {.path = path}, into(recalled)};
        keeper.settle(kLimit);
        keeper.remember({kKey, 2_GiB});
        keeper.remember({kKey, 3_GiB});
        keeper.remember({kHalf, 1_GiB});
        keeper.remember({{"other", "", "nvml A"}, 1_GiB});
        keeper.forget({"other", "", "nvml A"});
        keeper.finish(kLimit);
        CHECK_FALSE(keeper.trouble());
    }
    CHECK(recalled.empty());
    NeedKeeper keeper{loop, {.path = path}, into(recalled)};
    keeper.settle(kLimit);
    const Recalled expected = {{kKey, {2_GiB, 3_GiB}}, {kHalf, {1_GiB}}};
    CHECK(recalled == expected);
    keeper.recall("nobody", "");
    keeper.recall("digits", "fp8");
    CHECK(recalled == expected);
    keeper.recall("digits", "");
    CHECK(recalled.size() == 3);
    keeper.recall("digits", "fp16");
    CHECK(recalled.back() == std::pair{kHalf, std::vector<Bytes>{1_GiB}});
}

TEST_CASE("what is read late is told by the loop") {
    const base::testing::ScratchDirectory folder;
    io::Loop loop;
    Events events;
    Recalled recalled;
    auto late = std::make_unique<store::testing::MemoryStore>(loop);
    late->remember_peak({kKey, 2_GiB}, [](const auto&) {});
    const NeedKeeper keeper{loop, std::move(late), {.name = "memory"}, into(recalled)};
    CHECK(recalled.empty());
    CHECK(io::testing::run_until(loop, [&] { return !recalled.empty(); }));
    CHECK(events.names == std::vector<std::string>{"store.opened"});
}

TEST_CASE("a store that fails is told once, and once more when it works again") {
    io::Loop loop;
    Events events;
    Recalled recalled;
    auto made = std::make_unique<FailingStore>();
    FailingStore& failing = *made;
    NeedKeeper keeper{loop, std::move(made), {.name = "disk"}, into(recalled)};
    failing.is_full = true;
    for (int i = 0; i < 3; ++i) keeper.remember({kKey, 1_GiB});
    CHECK(trouble_of(keeper).reason == "store_failed");
    CHECK(trouble_of(keeper).message == "no room is left");
    failing.is_full = false;
    keeper.remember({kKey, 1_GiB});
    keeper.forget(kKey);
    CHECK_FALSE(keeper.trouble());
    failing.is_quick = false;
    keeper.finish(1ms);
    keeper.remember({kKey, 1_GiB});  // nobody listens any more
    CHECK(events.names == std::vector<std::string>{"store.opened", "store.failed",
                                                   "store.recovered", "store.late"});
}

TEST_CASE("what could not be read at first is read once it can be, as far as it is believable") {
    io::Loop loop;
    Recalled recalled;
    auto made = std::make_unique<FailingStore>();
    FailingStore& failing = *made;
    failing.is_locked = true;
    const NeedKeeper keeper{
        loop, std::move(made), {.name = "disk", .reread_after = 1ms}, into(recalled)};
    CHECK(trouble_of(keeper).message == "it is locked");
    failing.is_locked = false;
    CHECK(io::testing::run_until(loop, [&] { return !recalled.empty(); }));
    CHECK_FALSE(keeper.trouble());
    CHECK(recalled == Recalled{{kKey, {2_GiB}}});  // and not an exbibyte
}

TEST_CASE("a file that cannot be used is a trouble, and all else goes on") {
    const base::testing::ScratchDirectory folder;
    io::Loop loop;
    Recalled recalled;
    NeedKeeper keeper{loop, {.path = folder.path}, into(recalled)};  // a folder
    keeper.settle(kLimit);
    keeper.remember({kKey, 1_GiB});
    keeper.settle(kLimit);
    CHECK(trouble_of(keeper).message.find(folder.path) != std::string::npos);
    CHECK(recalled.empty());
}
