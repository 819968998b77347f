// Orders for the thread, and its answers for the loop.
#include "store/sqlite/sqlite_store.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "store/peak_range.h"
#include "store/sqlite/peak_table.h"

namespace windlass::store::sqlite {

base::Result<std::unique_ptr<SqliteStore>> SqliteStore::make(io::Loop& loop, std::string path,
                                                             base::Duration last_wait) {
    std::unique_ptr<SqliteStore> store{new SqliteStore{loop, std::move(path)}};
    SqliteStore& self = *store;
    store->bell_ = WL_TRY(io::Bell::make(loop, [&self] { self.give_out(self.thread_->take()); }));
    store->thread_ = std::make_unique<OrderThread>(store->path_, store->bell_->rope(), last_wait);
    return store;
}

void SqliteStore::give(Order order) {
    ++open_count_;
    if (thread_->give(std::move(order))) return;
    base::Error error =
        base::fail(base::Errc::unavailable,
                   fmt::format("{} orders wait for the file {}; its disk is too slow, or hangs",
                               OrderThread::kOrdersMax, path_));
    error.reason = "store_failed";
    // NOLINTNEXTLINE(bugprone-use-after-move): what was not taken is as it was
    loop_.post([done = std::move(order.done), error = std::move(error)]() mutable {
        done(std::move(error));
    });
    --open_count_;
}

void SqliteStore::give_out(std::vector<OrderThread::Answer> answers) {
    for (OrderThread::Answer& answer : answers) {
        --open_count_;
        answer.done(std::move(answer.result));
    }
}

bool SqliteStore::settle(base::Duration limit) {
    const base::Instant deadline = loop_.now() + limit;
    while (open_count_ > 0 && loop_.now() < deadline) {
        give_out(thread_->wait_for(deadline - loop_.now()));
    }
    return open_count_ == 0;
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

}  // namespace windlass::store::sqlite
