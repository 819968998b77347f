// SQLite's C interface with owners and typed errors: one connection, and the statements on it.
// Thread: any one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace windlass::store::sqlite {

// A statement with values for its `?`; good for one run. It must not outlive its connection.
class Statement {
  public:
    // The n-th call gives the n-th `?` its value.
    Statement& bind(std::string_view text);
    Statement& bind(std::int64_t number);
    Statement& bind(std::optional<std::int64_t> number);  // none: NULL

    // True: a row is there, to be read until the next call.
    base::Result<bool> step();
    std::string text(int column) const;
    std::int64_t number(int column) const;
    std::optional<std::int64_t> optional_number(int column) const;

  private:
    friend class Connection;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    Statement(sqlite3_stmt* statement, const std::string& path)
        : statement_(statement), path_(&path) {}

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
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
    base::Result<void> run(const char* sql);                  // statements whose rows nobody wants
    base::Result<std::int64_t> number(std::string_view sql);  // the first of its first row
    base::Result<std::string> text(std::string_view sql);
    // Undoes what a transaction has done so far, if there is one.
    void roll_back();

  private:
    struct Close {
        void operator()(sqlite3* database) const;
    };
    explicit Connection(std::string path) : path_(std::move(path)) {}

    const std::string path_;
    std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace windlass::store::sqlite
