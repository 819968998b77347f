// Daemons that are killed in the middle of jobs. The oracle is outside of them: what they had
// acknowledged, as it came through a pipe.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <map>
#include <set>
#include <sstream>

#include "base/testing/scratch_directory.h"
#include "io/file_descriptor.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"

using namespace std::chrono_literals;
namespace store = windlass::store;
using store::JobId;
using store::sqlite::SqliteStore;
using windlass::base::testing::ScratchDirectory;

namespace {

// Submits and finishes jobs, several at a time, and tells each acknowledgement: "s JOB", "d JOB
// ATTEMPT". Ends with 1 when something fails.
class Daemon {
  public:
    Daemon(const std::string& path, int out) : out_(out) {
        auto made = SqliteStore::make(loop_, path);
        if (!made) ::_exit(1);
        store_ = std::move(*made);
    }

    void run() {
        jobs().begin([this](const auto& start) {
            if (!start) ::_exit(1);
            attempt_ = start->first_attempt;
        });
        settle();
        // What an earlier one left, and then its own.
        while (true) {
            for (int i = 0; i < 4; ++i) submit();
            settle();
            jobs().read_heads({.model = "m", .limit = 3}, [this](const auto& heads) {
                if (!heads) ::_exit(1);
                for (const store::JobHead& head : *heads) claim(head.job);
            });
            settle();
        }
    }

  private:
    store::JobStore& jobs() { return store_->jobs(); }
    void settle() {
        if (!store_->settle(60s)) ::_exit(1);
    }
    void tell(const std::string& line) const {
        const auto size = static_cast<ssize_t>(line.size());
        if (::write(out_, line.data(), line.size()) != size) ::_exit(1);
    }
    void submit() {
        jobs().submit({.model = "m"}, 1'000'000, [this](const auto& made) {
            if (!made) ::_exit(1);
            tell("s " + std::to_string(made->job.value) + "\n");
        });
    }
    void claim(JobId job) {
        const store::AttemptId attempt = attempt_;
        ++attempt_.value;
        jobs().claim(job, attempt, [this, job, attempt](const auto& claimed) {
            if (!claimed) ::_exit(1);
            const std::string number = std::to_string(attempt.value);
            const store::Settlement done{
                .job = job, .attempt = attempt, .outcome = store::Succeeded{"", number}};
            jobs().settle(std::make_shared<const store::Settlement>(done),
                          [this, job, number](const auto& settled) {
                              if (!settled) ::_exit(1);
                              tell("d " + std::to_string(job.value) + " " + number + "\n");
                          });
        });
    }

    int out_;
    windlass::io::Loop loop_;
    std::unique_ptr<SqliteStore> store_;
    store::AttemptId attempt_;
};

// What one daemon told before it was killed, once it had told so many bytes.
std::string live_and_die(const std::string& path, std::size_t bytes) {
    auto pipe = windlass::io::make_pipe();
    REQUIRE(pipe);
    // Both wait for each other.
    REQUIRE(::fcntl(pipe->read_end.number(), F_SETFL, 0) == 0);
    REQUIRE(::fcntl(pipe->write_end.number(), F_SETFL, 0) == 0);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        ::alarm(600);  // should the test be killed
        const int out = pipe->write_end.number();
        Daemon{path, out}.run();
        ::_exit(1);
    }
    pipe->write_end.reset();
    std::string told;
    std::array<char, 256> buffer{};
    bool is_killed = false;
    while (true) {
        const ssize_t size = ::read(pipe->read_end.number(), buffer.data(), buffer.size());
        if (size <= 0) break;
        told.append(buffer.data(), static_cast<std::size_t>(size));
        if (is_killed || told.size() < bytes) continue;
        REQUIRE(::kill(pid, SIGKILL) == 0);
        is_killed = true;
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status));
    return told;
}

}  // namespace

TEST_CASE("[A4.5] [R116] daemons that are killed lose no job, and finish none twice") {
    const ScratchDirectory folder;
    const std::string path = folder.file("windlass.db");
    std::set<std::string> submitted;
    std::map<std::string, std::string> done;  // job: result
    for (std::size_t round = 0; round < 15; ++round) {
        std::istringstream told{live_and_die(path, 40 + 137 * round)};
        for (std::string line; std::getline(told, line);) {
            std::istringstream words{line};
            std::string what;
            std::string job;
            std::string result;
            words >> what >> job >> result;
            if (what == "s") submitted.insert(job);
            if (what == "d") CHECK(done.emplace(job, result).second);
        }
    }
    auto opened = store::sqlite::open_store(path, 60s);
    REQUIRE(opened);
    store::sqlite::Connection& file = **opened;
    const auto verdict = file.text("PRAGMA integrity_check");
    REQUIRE(verdict);
    CHECK(*verdict == "ok");
    const auto number = [&file](const std::string& sql) {
        const auto found = file.number(sql);
        REQUIRE(found);
        return *found;
    };
    CHECK(submitted.size() > 100);
    CHECK(done.size() > 50);
    for (const std::string& job : submitted) {
        CHECK(number("SELECT count(*) FROM job WHERE id=" + job) == 1);
    }
    for (const auto& [job, result] : done) {
        CHECK(number(fmt::format("SELECT CAST(CAST(body AS TEXT) AS INTEGER)={} FROM result "
                                 "WHERE job={}",
                                 result, job)) == 1);
    }
    CHECK(number("SELECT count(*) FROM attempt WHERE end=0") ==
          number("SELECT count(*) FROM job WHERE state=4"));
    CHECK(number("SELECT count(*) FROM (SELECT 1 FROM attempt WHERE end=0 GROUP BY job "
                 "HAVING count(*) > 1)") == 0);
}
