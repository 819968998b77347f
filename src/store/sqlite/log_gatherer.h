// Between SQLite and the disk: what a transaction adds to the log goes there in one write. SQLite
// hands over 24 bytes, a page, 24 bytes, a page; each such write takes the system some 3 us, and
// two touch the same page of its cache. https://sqlite.org/vfs.html#vfs_shims,
// https://sqlite.org/fileformat2.html#the_write_ahead_log
//
// Nothing is held back beyond the end of a transaction, nor over any other use of the log: what
// SQLite takes for written when it tells somebody of it, is. Thread: that of the connection.
#pragma once

#include <memory>
#include <string>

namespace windlass::store::sqlite {

class LogGatherer {
  public:
    LogGatherer();  // over what is SQLite's default now, which outlives it
    ~LogGatherer();
    LogGatherer(const LogGatherer&) = delete;
    LogGatherer& operator=(const LogGatherer&) = delete;

    const char* name() const;  // for sqlite3_open_v2(); such a connection is closed before
    void forget();             // what is held back, of a transaction that was rolled back
    struct State;

  private:
    std::unique_ptr<State> state_;
};

}  // namespace windlass::store::sqlite
