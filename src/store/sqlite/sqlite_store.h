// The store in a file of SQLite's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "io/bell.h"
#include "io/loop.h"
#include "store/sqlite/order_thread.h"
#include "store/store.h"

namespace windlass::store::sqlite {

class SqliteStore final : public Store {
  public:
    // The file is opened or made by a thread of its own; whether that worked, the first answer
    // tells. `loop` outlives it. When it goes, what it was given is carried out within `last_wait`.
    static base::Result<std::unique_ptr<SqliteStore>> make(io::Loop& loop, std::string path,
                                                           base::Duration last_wait);

    void remember_peak(Peak peak, Done done) override;
    void forget_peaks(NeedKey key, Done done) override;
    void read_peaks(PeaksRead done) override;
    bool settle(base::Duration limit) override;

  private:
    SqliteStore(io::Loop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}
    void give(Order order);
    void give_out(std::vector<OrderThread::Answer> answers);

    io::Loop& loop_;
    const std::string path_;
    std::size_t open_count_ = 0;  // orders that are not answered
    std::unique_ptr<io::Bell> bell_;
    std::unique_ptr<OrderThread> thread_;
};

}  // namespace windlass::store::sqlite
