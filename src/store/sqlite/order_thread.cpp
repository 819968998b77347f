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
    State(std::string file, io::Bell::Rope bell_rope)
        : path(std::move(file)), rope(std::move(bell_rope)) {}

    const std::string path;
    const io::Bell::Rope rope;
    io::Mailbox<Order> orders{kOrdersMax};
    // Each order leaves its place when it is taken: as many again may wait here.
    io::Mailbox<Answer> answers{2 * kOrdersMax};
    // The thread's own.
    std::unique_ptr<Connection> connection;
    std::optional<base::Error> trouble;  // no order can succeed any more

    void run();
    void open();
    void carry_out(std::vector<Order>& batch);
    base::Result<void> attempt(std::span<Order> orders);
    void answer(Order& order, base::Result<void> result);
};

void OrderThread::State::open() {
    auto opened = open_store(path, kPatience);
    if (opened) {
        connection = std::move(*opened);
    } else {
        trouble = std::move(opened).error();
    }
}

base::Result<void> OrderThread::State::attempt(std::span<Order> batch) {
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
    answers.post({std::move(order.done), std::move(result)});
}

void OrderThread::State::run() {
    open();
    for (auto batch = orders.wait(kBatchMax); !batch.empty(); batch = orders.wait(kBatchMax)) {
        carry_out(batch);
    }
    connection.reset();
    answers.close();
}

OrderThread::OrderThread(std::string path, io::Bell::Rope rope, base::Duration last_wait)
    : last_wait_(last_wait), state_(std::make_shared<State>(std::move(path), std::move(rope))) {
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

OrderThread::~OrderThread() {
    state_->orders.close();
    const auto deadline = std::chrono::steady_clock::now() + last_wait_;
    // The end of the answers is the end of the thread's work.
    while (std::chrono::steady_clock::now() < deadline) {
        if (state_->answers.wait_for(deadline - std::chrono::steady_clock::now()).empty()) break;
    }
}

bool OrderThread::give(Order&& order) { return state_->orders.post(std::move(order)); }

std::vector<OrderThread::Answer> OrderThread::take() { return state_->answers.take(); }

std::vector<OrderThread::Answer> OrderThread::wait_for(base::Duration limit) {
    return state_->answers.wait_for(limit);
}

}  // namespace windlass::store::sqlite
