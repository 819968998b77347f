// The store in a file of SQLite's. Thread: the loop's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/bell.h"
#include "io/loop.h"
#include "store/sqlite/event_table.h"
#include "store/sqlite/order_thread.h"
#include "store/sqlite/sqlite_job_store.h"
#include "store/store.h"

namespace windlass::store::sqlite {

class SqliteStore final : public Store {
  public:
    // Trouble with the file may be over: it is opened again for orders, but not more often.
    static constexpr base::Duration kReopenAfter = std::chrono::seconds{10};

    struct Options {
        base::Duration reopen_after = kReopenAfter;
        // Set aside for the day when the disk is full; 0: nothing is.
        std::uint64_t ballast_bytes = 0;
        // So many pages in the log, and it is brought into the file.
        std::int64_t checkpoint_pages = 1'000;
        // By which jobs go; empty: the machine's.
        SqliteJobStore::WallClock clock = {};
        // Each transaction that had to be on disk; may be empty.
        std::function<void(const OrderThread::Commit&)> on_commit = {};
    };

    // The file is opened or made by a thread of its own; whether that worked, the first answer
    // tells. `loop` outlives it.
    static base::Result<std::unique_ptr<SqliteStore>> make(io::Loop& loop, std::string path,
                                                           Options options);
    static base::Result<std::unique_ptr<SqliteStore>> make(io::Loop& loop, std::string path);

    // The jobs in the same file; lives as long as we do.
    JobStore& jobs() { return *jobs_; }

    void remember_peak(Peak peak, Done done) override;
    void forget_peaks(NeedKey key, Done done) override;
    void read_peaks(PeaksRead done) override;
    void append_events(std::vector<base::EventRecord> events, EventRetention retention,
                       EventsKept done) override;
    void read_events(base::EventQuery query, EventsRead done) override;
    base::Duration silent_for() const override;
    bool settle(base::Duration limit) override;
    bool finish(base::Duration limit) override;

  private:
    SqliteStore(io::Loop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}
    void give(Order order);
    void read_on(std::shared_ptr<EventReading> reading, EventsRead done);
    void refuse(Order order);
    void give_out(std::vector<OrderThread::Answer> answers);

    io::Loop& loop_;
    const std::string path_;
    std::size_t open_count_ = 0;  // orders that are not answered
    base::Instant heard_{};       // when one was last, or the first of them was given
    std::function<void(const OrderThread::Commit&)> on_commit_;
    std::vector<OrderThread::Answer> refusals_;
    std::unique_ptr<io::Bell> bell_;
    std::unique_ptr<OrderThread> thread_;
    std::unique_ptr<SqliteJobStore> jobs_;
};

}  // namespace windlass::store::sqlite
