// SQLite's C interface with owners and typed errors: one connection, and the statements on it.
// Thread: any one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "store/sqlite/log_gatherer.h"

struct sqlite3;
struct sqlite3_stmt;

namespace windlass::store::sqlite {

// A statement with values for its `?`; good for one run. It must not outlive its connection.
class Statement {
  public:
    // The n-th call gives the n-th `?` its value. Texts and bytes outlive the run.
    Statement& bind(std::string_view text);
    Statement& bind(std::string&& text) = delete;
    Statement& bind(std::int64_t number);
    Statement& bind(std::optional<std::int64_t> number);  // none: NULL
    Statement& bind_blob(std::string_view bytes);
    Statement& bind_blob(std::string&& bytes) = delete;

    // True: a row is there, to be read until the next call.
    base::Result<bool> step();
    // One that gives no row, to its end.
    base::Result<void> run();
    std::string text(int column) const;
    std::string blob(int column) const;
    std::int64_t number(int column) const;
    std::optional<std::int64_t> optional_number(int column) const;

  private:
    friend class Connection;
    struct Release {
        explicit Release(bool* kept_in_use) : in_use(kept_in_use) {}
        Release() : in_use(nullptr) {}
        bool* in_use;  // of one that the connection keeps; null: it ends with us
        void operator()(sqlite3_stmt* statement) const;
    };
    Statement(sqlite3_stmt* statement, bool* in_use, const std::string& path)
        : statement_(statement, Release{in_use}), path_(&path) {}

    std::unique_ptr<sqlite3_stmt, Release> statement_;
    const std::string* path_;  // the connection's
    int bound_count_ = 0;
    int bind_failure_ = 0;  // the first; 0: none
};

class Connection {
  public:
    // Opens or makes the file, which only we may read. Busy for longer than `patience`, a statement
    // fails with `unavailable`. Not while another connection of this process has it open: looking
    // at the file's mode would drop the locks of that (fcntl(2), "record locks").
    static base::Result<std::unique_ptr<Connection>> open(std::string path,
                                                          base::Duration patience);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    const std::string& path() const { return path_; }

    base::Result<Statement> prepare(std::string_view sql);
    // Prepared once, and kept for the next call. `sql` lives as long as the program: a literal.
    base::Result<Statement> kept(std::string_view sql);
    std::vector<std::string> kept_texts() const;
    base::Result<void> run(const char* sql);                  // statements whose rows nobody wants
    base::Result<std::int64_t> number(std::string_view sql);  // the first of its first row
    base::Result<std::string> text(std::string_view sql);
    std::int64_t changed_count() const;  // rows, by the last statement that changed any
    std::int64_t last_rowid() const;     // of the last row inserted
    // Undoes what a transaction has done so far, if there is one.
    void roll_back();
    // Pages in the log, as of the last transaction that wrote: SQLite moves none of them into the
    // file by itself, because it would not tell when the disk fails at that.
    std::int64_t log_pages() const { return log_pages_; }
    // Moves what nobody reads any more.
    base::Result<void> checkpoint();
    // Writes the log's bytes once more, and syncs them: what an fsync failed to write is only in
    // memory, and no other fsync would write it. Within a transaction that may write.
    base::Result<void> write_log_anew();
    // As checkpoint(), with all of it, and gives the log's room back. False: somebody reads.
    base::Result<bool> empty_log();
    // It is closed without another touch of the file: what is in the log is looked at, with its
    // checksums, by whoever opens it next.
    void abandon();

  private:
    struct Kept {
        std::unique_ptr<sqlite3_stmt, Statement::Release> statement;
        bool in_use = false;
    };
    struct Close {
        void operator()(sqlite3* database) const;
    };
    explicit Connection(std::string path) : path_(std::move(path)) {}

    const std::string path_;
    std::int64_t log_pages_ = 0;
    LogGatherer log_;
    std::unique_ptr<sqlite3, Close> database_;
    std::unordered_map<const char*, Kept> kept_;  // by where its text is
};

}  // namespace windlass::store::sqlite
