// The one thread that touches the file. Orders that come while it writes are committed together, so
// that many share one fsync and a single one waits for nobody. Thread: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/bell.h"
#include "store/sqlite/connection.h"

namespace windlass::store::sqlite {

struct Order {
    bool writes = true;
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

    // Opens `path` at once, on the thread. Should that fail, every order fails with its error,
    // until an order that comes `reopen_after` or more behind the last attempt opens it; but a
    // damaged file and that of a newer version are left alone. Rings when answers are there.
    OrderThread(std::string path, io::Bell::Rope rope, base::Duration reopen_after);
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

    struct Answer {
        std::move_only_function<void(base::Result<void>)> done;
        base::Result<void> result;
    };
    std::vector<Answer> take();  // in the order of the orders
    // Blocks until there is one, or all is over.
    std::vector<Answer> wait_for(base::Duration limit);

  private:
    struct State;
    std::shared_ptr<State> state_;  // the thread's too
};

}  // namespace windlass::store::sqlite
