// Jobs on a disk that loses, tears and spoils what was not synced, and on one whose calls fail. The
// oracle is what was acknowledged. WINDLASS_IMAGES sets how many images are tried.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <random>

#include "base/testing/scratch_directory.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/testing/shim_disk.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace io = windlass::io;
namespace store = windlass::store;
using base::testing::ScratchDirectory;
using store::AttemptId;
using store::JobId;
using store::JobState;
using store::sqlite::SqliteStore;
using store::sqlite::testing::Fate;
using store::sqlite::testing::ShimDisk;

namespace {

// One fact that was acknowledged, once so many changes had reached the disk.
struct Acknowledged {
    std::size_t changes = 0;
    JobId job;
    JobState state = JobState::available;
    std::string result = {};
};

// A daemon and its client, who write down what they were told.
class Client {
  public:
    Client(const std::string& path, ShimDisk& disk, std::int64_t checkpoint_pages) : disk_(disk) {
        auto made = SqliteStore::make(
            loop_, path,
            {.reopen_after = 0s, .checkpoint_pages = checkpoint_pages, .clock = [] { return 5; }});
        REQUIRE(made);
        store_ = std::move(*made);
    }
    ~Client() { CHECK(store_->finish(60s)); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    std::vector<Acknowledged> acknowledged;

    // As the daemon does: again, until it may begin.
    void begin() {
        for (int i = 0; i < 5 && !attempt_; ++i) {
            const auto start =
                ask<store::JobStart>([&](auto done) { jobs().begin(std::move(done)); });
            if (start) attempt_ = start->first_attempt;
        }
        REQUIRE(attempt_.value != 0);
    }
    std::optional<JobId> submit(std::size_t size) {
        const auto made = ask<store::Submission>([&](auto done) {
            jobs().submit({.model = "m", .input = std::string(size, 'i')}, 1'000, std::move(done));
        });
        if (!made) return std::nullopt;
        acknowledged.push_back({disk_.changes().size(), made->job});
        return made->job;
    }
    // To its end, with its own number as the result.
    void run(JobId job) {
        const AttemptId attempt = attempt_;
        ++attempt_.value;
        const auto claimed =
            ask<store::ClaimedJob>([&](auto done) { jobs().claim(job, attempt, std::move(done)); });
        if (!claimed) return;
        const std::string result = std::to_string(attempt.value);
        for (int i = 0; i < 2; ++i) {  // what was lost on the way is told again
            const auto settled = ask<store::Settled>([&](auto done) {
                jobs().settle(std::make_shared<const store::Settlement>(store::Settlement{
                                  .job = job,
                                  .attempt = attempt,
                                  .outcome = store::Succeeded{"text/plain", result}}),
                              std::move(done));
            });
            if (!settled) continue;
            acknowledged.push_back({disk_.changes().size(), job, JobState::succeeded, result});
            return;
        }
    }

  private:
    store::JobStore& jobs() { return store_->jobs(); }

    template <class T>
    base::Result<T> ask(const std::function<void(store::Answer<T>)>& give) {
        std::optional<base::Result<T>> answer;
        give([&answer](base::Result<T> result) { answer.emplace(std::move(result)); });
        REQUIRE(store_->settle(60s));
        REQUIRE(answer.has_value());
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): required above
        return std::move(*answer);
    }

    ShimDisk& disk_;
    io::Loop loop_;
    std::unique_ptr<SqliteStore> store_;
    AttemptId attempt_;  // none: it has not begun
};

std::int64_t number(store::sqlite::Connection& file, const std::string& sql) {
    const auto found = file.number(sql);
    REQUIRE(found);
    return *found;
}

// Sound, with all that was acknowledged by then, and nothing done twice.
void check_file(const std::string& path, const std::vector<Acknowledged>& acknowledged,
                std::size_t changes) {
    auto opened = store::sqlite::open_store(path, 5s);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    store::sqlite::Connection& file = **opened;
    const auto verdict = file.text("PRAGMA integrity_check");
    REQUIRE(verdict);
    REQUIRE(*verdict == "ok");
    for (const Acknowledged& one : acknowledged) {
        if (one.changes > changes) continue;
        const std::string id = std::to_string(one.job.value);
        REQUIRE(number(file, "SELECT count(*) FROM job WHERE id=" + id) == 1);
        if (one.state != JobState::succeeded) continue;
        REQUIRE(number(file, "SELECT state FROM job WHERE id=" + id) == 4);
        REQUIRE(number(file, "SELECT CAST(CAST(body AS TEXT) AS INTEGER) FROM result WHERE job=" +
                                 id) == std::stoll(one.result));
        REQUIRE(number(file, "SELECT count(*) FROM attempt WHERE end=0 AND job=" + id) == 1);
    }
    // The tables that say where jobs stand agree with their rows.
    for (const auto& [table, state] :
         {std::pair{"due", 0}, std::pair{"ready", 1}, std::pair{"lease", 3}}) {
        REQUIRE(number(file, fmt::format("SELECT count(*) FROM {}", table)) ==
                number(file, fmt::format("SELECT count(*) FROM job WHERE state={}", state)));
    }
    REQUIRE(number(file,
                   "SELECT count(*) FROM tally WHERE count <> (SELECT count(*) FROM job "
                   "WHERE job.queue = tally.queue AND job.state = tally.state)") == 0);
}

// What a power cut has left, under another name.
std::string write_image(const std::map<std::string, std::string>& image, const std::string& path,
                        std::string copy) {
    for (const char* end : {"", "-wal", "-shm"}) {
        std::filesystem::remove(copy + end);
        const auto file = image.find(path + end);
        if (file == image.end()) continue;
        std::ofstream{copy + end, std::ios::binary} << file->second;
    }
    return copy;
}

std::size_t image_count() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
    const char* const wanted = std::getenv("WINDLASS_IMAGES");
    return wanted == nullptr ? 500 : static_cast<std::size_t>(std::atoll(wanted));
}

}  // namespace

TEST_CASE("what was acknowledged survives a power cut that loses, tears and spoils the rest") {
    const ScratchDirectory folder;
    ShimDisk disk;
    const std::string path = folder.file("windlass.db");
    std::vector<Acknowledged> acknowledged;
    {
        Client client{path, disk, 40};
        client.begin();
        for (std::size_t i = 0; i < 60; ++i) {
            const auto job = client.submit(i * 200);
            REQUIRE(job);
            if (job && i % 3 != 0) client.run(*job);
        }
        acknowledged = client.acknowledged;
    }
    std::mt19937_64 random{20261122};
    for (std::size_t i = 0; i < image_count(); ++i) {
        const std::size_t count = random() % (disk.changes().size() + 1);
        const std::uint64_t odds = random() % 4;  // of each fate, from image to image
        const auto image = disk.image(count, [&] {
            const std::uint64_t dice = random() % 8;
            if (odds == 0) return dice < 4 ? Fate::kept : Fate::lost;
            if (odds == 1) return Fate::lost;
            return dice < 2 ? Fate::junk : (dice < 5 ? Fate::kept : Fate::lost);
        });
        CAPTURE(i);
        CAPTURE(count);
        const std::string copy = write_image(image, path, folder.file("image.db"));
        check_file(copy, acknowledged, count);
    }
}

TEST_CASE("whichever call fails, what was acknowledged is there, and work goes on") {
    for (const int errno_value : {EIO, ENOSPC}) {
        bool has_failed = true;
        std::uint64_t n = 0;
        while (has_failed) {
            ++n;
            CAPTURE(n);
            CAPTURE(errno_value);
            const ScratchDirectory folder;
            ShimDisk disk;
            const std::string path = folder.file("windlass.db");
            std::vector<Acknowledged> acknowledged;
            {
                disk.fail_at(n, errno_value);
                Client client{path, disk, 20};
                client.begin();
                for (int i = 0; i < 6; ++i) {
                    if (const auto job = client.submit(3'000)) client.run(*job);
                }
                acknowledged = client.acknowledged;
            }
            has_failed = disk.has_failed();
            disk.fail_at(0, 0);
            // One failure takes one order along, at most; but a disk that was full is asked again
            // after a second only, and takes no new jobs meanwhile. What was taken is finished.
            if (errno_value != ENOSPC) CHECK(acknowledged.size() >= 10);
            const auto is_done = [](const Acknowledged& one) { return !one.result.empty(); };
            const auto done = std::ranges::count_if(acknowledged, is_done);
            CHECK(2 * done + 1 >= static_cast<std::ptrdiff_t>(acknowledged.size()));
            const std::size_t count = disk.changes().size();
            if (errno_value == EIO) {  // a sync that failed: no later one brings back what it lost
                const auto image = disk.image(count, [] { return Fate::lost; });
                check_file(write_image(image, path, folder.file("image.db")), acknowledged, count);
            }
            check_file(path, acknowledged, count);
        }
        MESSAGE("calls that failed, one at a time: ", n - 1);
        CHECK(n > 50);
    }
}
