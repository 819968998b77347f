// Batches of orders, each in one transaction.
#include "store/sqlite/order_thread.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "io/mailbox.h"
#include "store/sqlite/ballast.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_error.h"

namespace windlass::store::sqlite {
namespace {

using namespace std::chrono_literals;

// So long another process may hold the file.
constexpr base::Duration kPatience = 5s;

base::Result<void> apply_all(Connection& connection, std::span<Order> orders) {
    for (Order& order : orders) WL_TRY(order.apply(connection));
    return {};
}

base::Result<void> run_kept(Connection& connection, std::string_view sql) {
    Statement statement = WL_TRY(connection.kept(sql));
    return statement.run();
}

bool is_disk_full(const base::Error& error) {
    return error.code == base::Errc::unavailable && error.reason == "disk_full";
}

}  // namespace

struct OrderThread::State {
    State(std::string file, io::Bell::Rope bell_rope, const Options& options,
          std::shared_ptr<Companion> with)
        : path(std::move(file)),
          rope(std::move(bell_rope)),
          reopen_after(options.reopen_after),
          checkpoint_pages(options.checkpoint_pages),
          companion(std::move(with)),
          ballast(path + "-ballast", options.ballast_bytes) {}

    const std::string path;
    const io::Bell::Rope rope;
    const base::Duration reopen_after;
    const std::int64_t checkpoint_pages;
    const std::shared_ptr<Companion> companion;
    io::Mailbox<Order> orders{kOrdersMax};
    io::Mailbox<Answer> answers{kOrdersMax};
    // The thread's own.
    std::unique_ptr<Connection> connection;
    std::optional<base::Error> trouble;               // why there is none
    std::chrono::steady_clock::time_point opened_at;  // or tried to
    Ballast ballast;
    std::optional<base::Error> fullness;            // the disk is full: what it said
    std::chrono::steady_clock::time_point full_at;  // or found to be still
    bool is_syncing = true;                         // as the connection is set
    std::optional<Commit> committed;                // and not told

    void run();
    void open();
    bool may_open_again() const;
    void carry_out(std::vector<Order>& batch);
    void refuse_growth(std::vector<Order>& batch);
    void look_for_room();
    void checkpoint();
    base::Result<void> attempt(std::span<Order> orders);
    base::Result<void> attempt_with_room(std::span<Order> orders);
    base::Result<void> transact(std::span<Order> orders);
    base::Result<void> set_sync(bool wanted);
    void fail(const base::Error& error);
    void answer(Order& order, base::Result<void> result);
};

void OrderThread::State::open() {
    auto opened = open_store(path, kPatience);
    opened_at = std::chrono::steady_clock::now();
    if (!opened) {
        trouble = std::move(opened).error();
        return;
    }
    trouble.reset();
    connection = std::move(*opened);
    is_syncing = true;
    if (companion == nullptr) return;
    if (auto read = companion->opened(*connection); !read) fail(read.error());
}

void OrderThread::State::fail(const base::Error& error) {
    trouble = error;
    if (connection) connection->abandon();
    connection.reset();
}

// What another process or a disk has caused may be over; what is in the file stays.
bool OrderThread::State::may_open_again() const {
    if (!trouble || trouble->code == base::Errc::data_corrupt ||
        trouble->code == base::Errc::unsupported) {
        return false;
    }
    return std::chrono::steady_clock::now() - opened_at >= reopen_after;
}

base::Result<void> OrderThread::State::set_sync(bool wanted) {
    if (wanted == is_syncing) return {};
    WL_TRY(connection->run(wanted ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
    is_syncing = wanted;
    return {};
}

// Takes the lock for writing at the beginning: two that first read and then both want to write
// could only give up.
base::Result<void> OrderThread::State::transact(std::span<Order> batch) {
    const auto began = std::chrono::steady_clock::now();
    const bool writes = std::ranges::any_of(batch, &Order::writes);
    if (writes) {
        WL_TRY(set_sync(std::ranges::any_of(
            batch, [](const Order& order) { return order.writes && order.syncs; })));
    }
    WL_TRY(run_kept(*connection, writes ? "BEGIN IMMEDIATE" : "BEGIN"));
    base::Result<void> result = apply_all(*connection, batch);
    if (result && companion && writes) result = companion->flush(*connection);
    const auto applied = std::chrono::steady_clock::now();
    if (result) result = run_kept(*connection, "COMMIT");
    if (result && writes && is_syncing) {
        const auto ended = std::chrono::steady_clock::now();
        committed = Commit{.whole = ended - began, .sync = ended - applied};
    }
    if (!result) connection->roll_back();
    if (companion) result ? companion->committed() : companion->rolled_back();
    return result;
}

// What is committed stays so, whatever comes of this. But an fsync of the log that fails here was
// the first of what needed none, and is not repeated either.
void OrderThread::State::checkpoint() {
    if (connection->log_pages() < checkpoint_pages) return;
    const base::Result<void> done = connection->checkpoint();
    if (!done && is_fatal(done.error())) fail(done.error());
}

base::Result<void> OrderThread::State::attempt(std::span<Order> batch) {
    if (may_open_again()) open();
    if (trouble) return *trouble;
    base::Result<void> result = transact(batch);
    if (result) checkpoint();
    // After a failed fsync nobody knows what is on disk, and a second one may report success for
    // what is lost: the file is left alone until it is opened anew.
    if (!result && is_fatal(result.error())) fail(result.error());
    return result;
}

// What was set aside for this is let go once, and what only makes things more has to wait.
base::Result<void> OrderThread::State::attempt_with_room(std::span<Order> batch) {
    base::Result<void> result = attempt(batch);
    if (result || !is_disk_full(result.error())) return result;
    fullness = result.error();
    full_at = std::chrono::steady_clock::now();
    if (!ballast.let_go()) return result;
    if (batch.size() == 1 && batch.front().grows) return result;
    return attempt(batch);
}

void OrderThread::State::look_for_room() {
    constexpr auto kPause = 1s;
    if (!fullness || std::chrono::steady_clock::now() - full_at < kPause) return;
    full_at = std::chrono::steady_clock::now();
    // A transaction that found no room has left a log as large as there was room.
    const bool is_empty = connection && connection->empty_log().value_or(false);
    if (is_empty && ballast.take()) fullness.reset();
}

void OrderThread::State::refuse_growth(std::vector<Order>& batch) {
    look_for_room();
    if (!fullness) return;
    for (Order& order : batch) {
        if (order.grows) answer(order, *fullness);
    }
    std::erase_if(batch, &Order::grows);
}

void OrderThread::State::carry_out(std::vector<Order>& batch) {
    if (batch.size() > 1 || batch.front().grows) refuse_growth(batch);
    if (!batch.empty()) {
        const base::Result<void> together =
            batch.size() == 1 ? attempt_with_room(batch) : attempt(batch);
        // One that cannot be done must not take others along. But where it is not known what is on
        // disk, a second time could be once too often.
        const bool helps_alone =
            !together && batch.size() > 1 && !trouble && together.error().reason != "store_busy";
        for (Order& order : batch) {
            if (fullness && order.grows && helps_alone) {  // since one of those before it
                answer(order, *fullness);
                continue;
            }
            answer(order, helps_alone ? attempt_with_room({&order, 1}) : together);
        }
    }
    rope.pull();
}

void OrderThread::State::answer(Order& order, base::Result<void> result) {
    const bool has_place = answers.post(
        {std::move(order.done), std::move(result), std::exchange(committed, std::nullopt)});
    WL_ASSERT(has_place);  // the order had one
}

void OrderThread::State::run() {
    open();
    if (!ballast.take()) fullness = make_full_error(path);
    for (auto batch = orders.wait(kBatchMax); !batch.empty(); batch = orders.wait(kBatchMax)) {
        carry_out(batch);
    }
    connection.reset();
    answers.close();
}

OrderThread::OrderThread(std::string path, io::Bell::Rope rope, Options options,
                         std::shared_ptr<Companion> companion)
    : state_(std::make_shared<State>(std::move(path), std::move(rope), options,
                                     std::move(companion))) {
    // Signals are for the main thread; the mask is inherited.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread{[state = state_] { state->run(); }};
    ::pthread_setname_np(thread.native_handle(), "wl-store");
    thread.detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

OrderThread::~OrderThread() { close(); }

void OrderThread::close() { state_->orders.close(); }

// The end of the answers is the end of the thread's work.
bool OrderThread::is_over() const { return state_->answers.is_over(); }

bool OrderThread::give(Order&& order) { return state_->orders.post(std::move(order)); }

std::vector<OrderThread::Answer> OrderThread::take() { return state_->answers.take(); }

std::vector<OrderThread::Answer> OrderThread::wait_for(base::Duration limit) {
    return state_->answers.wait_for(limit);
}

}  // namespace windlass::store::sqlite
