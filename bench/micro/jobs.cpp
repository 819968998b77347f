// bench_jobs FILE: what jobs cost their store by itself, beside all that waits in FILE already:
// submissions, whole lives in one transaction for many of them, and the claim alone. That is the
// ceiling of what a daemon on it can do. Prints one line of JSON.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "store/sqlite/job_admin.h"
#include "store/sqlite/job_life.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"

namespace {

using namespace std::chrono_literals;
using namespace windlass;
using Clock = std::chrono::steady_clock;

constexpr double kSeconds = 2;  // for each figure
constexpr const char* kModel = "echo";

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

template <class Result>
void check(const Result& result) {
    if (result) return;
    fmt::print(stderr, "bench: {}\n", result.error().message);
    std::exit(1);
}

class Bench {
  public:
    explicit Bench(const std::string& path) {
        auto made = store::sqlite::SqliteStore::make(loop_, path);
        check(made);
        store_ = std::move(*made);
        store_->jobs().begin([this](const base::Result<store::JobStart>& start) {
            check(start);
            attempt_ = start->first_attempt;
        });
        wait();
    }
    ~Bench() { store_->finish(60s); }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    void submit(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            store_->jobs().submit({.model = kModel, .input = std::string(512, 'i')}, 100'000'000,
                                  [this](const base::Result<store::Submission>& submission) {
                                      check(submission);
                                      submitted_.push_back(submission->job);
                                  });
        }
        wait();
    }
    // Submits so many, and brings those of the last time to their end.
    void live(std::size_t count) {
        for (const store::JobId job : std::exchange(submitted_, {})) {
            const store::AttemptId attempt = attempt_;
            ++attempt_.value;
            store_->jobs().claim(job, attempt, [](const auto& claimed) { check(claimed); });
            store_->jobs().settle(std::make_shared<const store::Settlement>(store::Settlement{
                                      .job = job,
                                      .attempt = attempt,
                                      .outcome = store::Succeeded{"", std::string(512, 'r')},
                                      .load = 1ms,
                                      .run = 2ms}),
                                  [](const auto& settled) { check(settled); });
        }
        submit(count);
    }
    void forget() { submitted_.clear(); }

  private:
    void wait() {
        if (!store_->settle(60s)) std::abort();
    }

    io::Loop loop_;
    std::unique_ptr<store::sqlite::SqliteStore> store_;
    store::AttemptId attempt_;
    std::vector<store::JobId> submitted_;
};

template <class Work>
double rate(std::size_t count, Work work) {
    const auto begin = Clock::now();
    std::size_t done = 0;
    for (; seconds_since(begin) < kSeconds; done += count) work(count);
    return static_cast<double>(done) / seconds_since(begin);
}

void measure_groups(const std::string& path) {
    Bench bench{path};
    fmt::print(R"({{"groups": [)");
    for (const std::size_t count : {1U, 64U, 512U}) {
        const double lives = rate(count, [&](std::size_t n) { bench.live(n); });
        const double submissions = rate(count, [&](std::size_t n) { bench.submit(n); });
        bench.forget();
        fmt::print(R"({}{{"group": {}, "submissions": {:.0f}, "lives": {:.0f}}})",
                   count == 1 ? "" : ", ", count, submissions, lives);
    }
    fmt::print("]");
}

// Without threads and syncs: what SQL costs.
void measure_claims(const std::string& path) {
    const auto file = store::sqlite::open_store(path, 60s);
    check(file);
    store::sqlite::JobBook book;
    check(book.opened(**file));
    const store::sqlite::JobTransaction now{.file = **file, .book = book, .now_ms = 5};
    check((*file)->run("BEGIN IMMEDIATE"));
    const auto start = store::sqlite::begin_jobs(now);
    check(start);
    store::AttemptId attempt = start->answer->first_attempt;
    std::vector<double> times;
    for (int i = 0; i < 20; ++i) {
        const auto heads = store::sqlite::select_heads(now, {.model = kModel, .limit = 256});
        check(heads);
        for (const store::JobHead& head : *heads->answer) {
            const auto begin = Clock::now();
            const auto claimed = store::sqlite::claim_job(now, head.job, attempt);
            times.push_back(1e6 * seconds_since(begin));
            check(claimed);
            check(claimed->answer);
            ++attempt.value;
        }
    }
    (*file)->roll_back();
    std::ranges::sort(times);
    fmt::print(R"(, "claim_p50_us": {:.1f}, "claim_p99_us": {:.1f}}}{})", times[times.size() / 2],
               times[times.size() * 99 / 100], '\n');
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    measure_groups(argv[1]);
    measure_claims(argv[1]);
    return 0;
}
