// The one thread that touches the file. Orders that come while it writes are committed together, so
// that many share one fsync and a single one waits for nobody.
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
    // On the thread, within a transaction; once more, alone, when one that shared it failed.
    std::move_only_function<base::Result<void>(Connection&)> apply;
    // On the loop's thread, once the transaction is on disk or has failed.
    std::move_only_function<void(base::Result<void>)> done;
};

class OrderThread {
  public:
    static constexpr std::size_t kOrdersMax = 65'536;  // that wait
    static constexpr std::size_t kBatchMax = 512;      // Source: queues.md 2.5

    // Opens `path` at once, on the thread; should that fail, every order fails with its error.
    // Rings when answers are there to be taken.
    OrderThread(std::string path, io::Bell::Rope rope, base::Duration last_wait);
    // What was given is still carried out, for `last_wait` at most. A disk that hangs keeps the
    // thread.
    ~OrderThread();
    OrderThread(const OrderThread&) = delete;
    OrderThread& operator=(const OrderThread&) = delete;

    // False: too many wait already, and `order` is as it was.
    bool give(Order&& order);

    struct Answer {
        std::move_only_function<void(base::Result<void>)> done;
        base::Result<void> result;
    };
    std::vector<Answer> take();                          // in the order of the orders
    std::vector<Answer> wait_for(base::Duration limit);  // blocks until there is one

  private:
    struct State;
    const base::Duration last_wait_;
    std::shared_ptr<State> state_;  // the thread's too: it may outlive us where the disk hangs
};

}  // namespace windlass::store::sqlite
