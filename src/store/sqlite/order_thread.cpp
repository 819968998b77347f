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

// Takes the lock for writing at the beginning: two that first read and then both want to write
// could only give up.
base::Result<void> transact(Connection& connection, std::span<Order> orders) {
    const bool writes = std::ranges::any_of(orders, &Order::writes);
    WL_TRY(connection.run(writes ? "BEGIN IMMEDIATE" : "BEGIN"));
    base::Result<void> result = apply_all(connection, orders);
    if (result) result = connection.run("COMMIT");
    if (!result) connection.roll_back();
    return result;
}

}  // namespace

struct OrderThread::State {
    State(std::string file, io::Bell::Rope bell_rope, base::Duration pause)
        : path(std::move(file)), rope(std::move(bell_rope)), reopen_after(pause) {}

    const std::string path;
    const io::Bell::Rope rope;
    const base::Duration reopen_after;
    io::Mailbox<Order> orders{kOrdersMax};
    io::Mailbox<Answer> answers{kOrdersMax};
    // The thread's own.
    std::unique_ptr<Connection> connection;
    std::optional<base::Error> trouble;               // why there is none
    std::chrono::steady_clock::time_point opened_at;  // or tried to

    void run();
    void open();
    bool may_open_again() const;
    void carry_out(std::vector<Order>& batch);
    base::Result<void> attempt(std::span<Order> orders);
    void answer(Order& order, base::Result<void> result);
};

void OrderThread::State::open() {
    auto opened = open_store(path, kPatience);
    opened_at = std::chrono::steady_clock::now();
    if (opened) {
        connection = std::move(*opened);
        trouble.reset();
    } else {
        trouble = std::move(opened).error();
    }
}

// What another process or a disk has caused may be over; what is in the file stays.
bool OrderThread::State::may_open_again() const {
    if (!trouble || trouble->code == base::Errc::data_corrupt ||
        trouble->code == base::Errc::unsupported) {
        return false;
    }
    return std::chrono::steady_clock::now() - opened_at >= reopen_after;
}

base::Result<void> OrderThread::State::attempt(std::span<Order> batch) {
    if (may_open_again()) open();
    if (trouble) return *trouble;
    base::Result<void> result = transact(*connection, batch);
    // After a failed fsync nobody knows what is on disk, and a second one may report success for
    // what is lost: the file is left alone until it is opened anew.
    if (!result && is_fatal(result.error())) {
        trouble = result.error();
        connection.reset();
    }
    return result;
}

void OrderThread::State::carry_out(std::vector<Order>& batch) {
    const base::Result<void> together = attempt(batch);
    // One that cannot be done must not take others along.
    const bool helps_alone =
        !together && batch.size() > 1 && together.error().reason != "store_busy";
    for (Order& order : batch) answer(order, helps_alone ? attempt({&order, 1}) : together);
    rope.pull();
}

void OrderThread::State::answer(Order& order, base::Result<void> result) {
    const bool has_place = answers.post({std::move(order.done), std::move(result)});
    WL_ASSERT(has_place);  // the order had one
}

void OrderThread::State::run() {
    open();
    for (auto batch = orders.wait(kBatchMax); !batch.empty(); batch = orders.wait(kBatchMax)) {
        carry_out(batch);
    }
    connection.reset();
    answers.close();
}

OrderThread::OrderThread(std::string path, io::Bell::Rope rope, base::Duration reopen_after)
    : state_(std::make_shared<State>(std::move(path), std::move(rope), reopen_after)) {
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
