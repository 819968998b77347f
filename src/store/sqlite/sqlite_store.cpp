// Orders for the thread, and its answers for the loop.
#include "store/sqlite/sqlite_store.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "io/wall_clock.h"
#include "store/peak_range.h"
#include "store/sqlite/peak_table.h"

namespace windlass::store::sqlite {

base::Result<std::unique_ptr<SqliteStore>> SqliteStore::make(io::Loop& loop, std::string path) {
    return make(loop, std::move(path), Options{});
}

base::Result<std::unique_ptr<SqliteStore>> SqliteStore::make(io::Loop& loop, std::string path,
                                                             Options options) {
    std::unique_ptr<SqliteStore> store{new SqliteStore{loop, std::move(path)}};
    SqliteStore& self = *store;
    store->on_commit_ = std::move(options.on_commit);
    store->bell_ = WL_TRY(io::Bell::make(loop, [&self] { self.give_out(self.thread_->take()); }));
    const auto book = std::make_shared<JobBook>();
    store->thread_ = std::make_unique<OrderThread>(
        store->path_, store->bell_->rope(),
        OrderThread::Options{options.reopen_after, options.ballast_bytes, options.checkpoint_pages},
        book);
    if (!options.clock) options.clock = io::wall_clock_ms;
    store->jobs_ = std::make_unique<SqliteJobStore>(
        SqliteJobStore::File{[&self](Order order) { self.give(std::move(order)); },
                             [&self](base::Duration limit) { return self.settle(limit); }},
        book, std::move(options.clock));
    return store;
}

void SqliteStore::give(Order order) {
    if (open_count_ == 0) heard_ = loop_.now();
    const bool is_full = open_count_++ >= OrderThread::kOrdersMax;
    // NOLINTNEXTLINE(bugprone-use-after-move): what was not taken is as it was
    if (is_full || !thread_->give(std::move(order))) refuse(std::move(order));
}

void SqliteStore::refuse(Order order) {
    base::Error error = base::fail(
        base::Errc::unavailable,
        fmt::format("{} orders wait for the file {}; its disk is too slow, or hangs: look at the "
                    "disk, or set another state_dir under [daemon]",
                    OrderThread::kOrdersMax, path_));
    error.reason = "store_late";
    refusals_.push_back({.done = std::move(order.done), .result = std::move(error)});
    bell_->rope().pull();
}

base::Duration SqliteStore::silent_for() const {
    return open_count_ == 0 ? base::Duration{} : loop_.now() - heard_;
}

void SqliteStore::give_out(std::vector<OrderThread::Answer> answers) {
    if (!answers.empty()) heard_ = loop_.now();
    for (OrderThread::Answer& refusal : std::exchange(refusals_, {})) {
        --open_count_;
        refusal.done(std::move(refusal.result));
    }
    for (OrderThread::Answer& answer : answers) {
        --open_count_;
        if (answer.commit && on_commit_) on_commit_(*answer.commit);
        answer.done(std::move(answer.result));
    }
}

bool SqliteStore::settle(base::Duration limit) {
    const base::Instant deadline = loop_.now() + limit;
    give_out(thread_->take());
    while (open_count_ > 0 && loop_.now() < deadline) {
        give_out(thread_->wait_for(deadline - loop_.now()));
    }
    return open_count_ == 0;
}

bool SqliteStore::finish(base::Duration limit) {
    thread_->close();
    const base::Instant deadline = loop_.now() + limit;
    while (!thread_->is_over() && loop_.now() < deadline) {
        give_out(thread_->wait_for(deadline - loop_.now()));
    }
    return thread_->is_over();
}

void SqliteStore::remember_peak(Peak peak, Done done) {
    auto insert = [peak = std::move(peak)](Connection& connection) -> base::Result<void> {
        WL_TRY(check_range(peak));
        return insert_peak(connection, peak);
    };
    give({.apply = std::move(insert), .done = std::move(done)});
}

void SqliteStore::forget_peaks(NeedKey key, Done done) {
    auto erase = [key = std::move(key)](Connection& connection) {
        return delete_peaks(connection, key);
    };
    give({.apply = std::move(erase), .done = std::move(done)});
}

void SqliteStore::read_peaks(PeaksRead done) {
    const auto peaks = std::make_shared<std::vector<Peak>>();
    auto select = [peaks](Connection& connection) -> base::Result<void> {
        *peaks = WL_TRY(select_peaks(connection));
        return {};
    };
    auto tell = [peaks, done = std::move(done)](const base::Result<void>& result) mutable {
        if (!result) return done(result.error());
        done(std::move(*peaks));
    };
    give({.writes = false, .apply = std::move(select), .done = std::move(tell)});
}

void SqliteStore::append_events(std::vector<base::EventRecord> events, EventRetention retention,
                                EventsKept done) {
    const auto kept = std::make_shared<std::vector<base::EventRecord>>(std::move(events));
    auto insert = [kept, retention](Connection& connection) -> base::Result<void> {
        WL_TRY(insert_events(connection, *kept));
        return trim_events(connection, retention);
    };
    auto tell = [kept, done = std::move(done)](const base::Result<void>& result) mutable {
        if (!result) return done(result.error());
        done(std::move(*kept));
    };
    give({.apply = std::move(insert), .done = std::move(tell)});
}

void SqliteStore::read_events(base::EventQuery query, EventsRead done) {
    auto reading = std::make_shared<EventReading>();
    reading->query = std::move(query);
    read_on(std::move(reading), std::move(done));
}

// One order for each step; others come in between.
void SqliteStore::read_on(std::shared_ptr<EventReading> reading, EventsRead done) {
    // Tried again from where it stood, should what it shared a transaction with be undone.
    auto select = [reading, before = *reading](Connection& connection) {
        *reading = before;
        return read_step(connection, *reading);
    };
    auto tell = [this, reading, done = std::move(done)](const base::Result<void>& result) mutable {
        if (!result) return done(result.error());
        if (!reading->is_over) return read_on(std::move(reading), std::move(done));
        done(std::move(reading->page));
    };
    give({.writes = false, .apply = std::move(select), .done = std::move(tell)});
}

}  // namespace windlass::store::sqlite
