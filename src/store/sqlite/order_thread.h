// The one thread that touches the file. Orders that come while it writes are committed together, so
// that many share one fsync and a single one waits for nobody. Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/bell.h"
#include "store/sqlite/companion.h"
#include "store/sqlite/connection.h"

namespace windlass::store::sqlite {

struct Order {
    bool writes = true;
    // Its success is told once it is on disk. A batch without such an order waits for no disk: the
    // death of the process cannot undo it, that of the machine can, and the next fsync covers it.
    bool syncs = true;
    // It is refused while the disk is full, so that those that bring work to its end have room.
    bool grows = false;
    // On the order thread, within a transaction; once more, alone, when one that shared it failed.
    std::move_only_function<base::Result<void>(Connection&)> apply;
    // On the loop's thread, once the transaction is on disk or has failed.
    std::move_only_function<void(base::Result<void>)> done;
};

class OrderThread {
  public:
    // That are given and whose answers are not taken. A sound disk does so many within a second.
    static constexpr std::size_t kOrdersMax = 8'192;
    static constexpr std::size_t kBatchMax = 512;  // that one transaction holds

    struct Options {
        base::Duration reopen_after;
        std::uint64_t ballast_bytes = 0;  // beside the file, see ballast.h
        std::int64_t checkpoint_pages =
            1'000;  // in the log, from which on it is brought into the file
    };

    // Opens `path` at once, on the thread. Should that fail, every order fails with its error,
    // until an order that comes `reopen_after` or more behind the last attempt opens it; but a
    // damaged file and that of a newer version are left alone. So it is after a write or an fsync
    // that failed: what was in that transaction is told as an error and never tried again here, for
    // it may be on disk or not, and a second fsync may report success for what is lost. Rings when
    // answers are there. `companion` may be null.
    OrderThread(std::string path, io::Bell::Rope rope, Options options,
                std::shared_ptr<Companion> companion);
    // close(). The thread outlives us until what it was given is carried out.
    ~OrderThread();
    OrderThread(const OrderThread&) = delete;
    OrderThread& operator=(const OrderThread&) = delete;

    // At most kOrdersMax. False: it is closed, and `order` is as it was.
    bool give(Order&& order);
    // Nothing more is given: the thread carries out what it has, closes the file, and ends.
    void close();
    // It has ended, and all answers were taken.
    bool is_over() const;

    // How long a transaction took to be on disk.
    struct Commit {
        base::Duration whole{};
        base::Duration sync{};  // of it, its end: the log written and synced
    };
    struct Answer {
        std::move_only_function<void(base::Result<void>)> done;
        base::Result<void> result;
        std::optional<Commit> commit = {};  // told with the first answer of the transaction
    };
    std::vector<Answer> take();  // in the order of the orders
    // Blocks until there is one, or all is over.
    std::vector<Answer> wait_for(base::Duration limit);

  private:
    struct State;
    std::shared_ptr<State> state_;  // the thread's too
};

}  // namespace windlass::store::sqlite
