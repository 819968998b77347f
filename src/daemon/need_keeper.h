// Keeps what models were measured to need from one daemon to the next, as far as the store of the
// state folder works; without it the daemon works on, and says so. Thread: main.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "http/api.h"
#include "io/loop.h"
#include "io/timer.h"
#include "store/job_store.h"
#include "store/store.h"

namespace windlass::daemon {

class NeedKeeper {
  public:
    // The peaks of one key, the oldest first; from settle() or from the loop.
    using Recalled = std::function<void(const store::NeedKey&, const std::vector<base::Bytes>&)>;

    struct Options {
        std::string name;  // how people are told of the store
        // What could not be read is tried again, unless it never will be.
        base::Duration reread_after = std::chrono::seconds{30};
    };

    struct File {
        std::string path;
        base::Bytes reserve = {};  // set aside for a full disk
        // How long a transaction took to be on disk, and of it the end: written and synced.
        std::function<void(base::Duration whole, base::Duration sync)> on_commit = {};
    };

    // Opens the file and reads it, without waiting. `loop` outlives it.
    NeedKeeper(io::Loop& loop, const File& file, Recalled recalled);
    // Over a store that is there already.
    NeedKeeper(io::Loop& loop, std::unique_ptr<store::Store> store, Options options,
               Recalled recalled);
    ~NeedKeeper() = default;
    NeedKeeper(const NeedKeeper&) = delete;
    NeedKeeper& operator=(const NeedKeeper&) = delete;

    // Waits for what was asked of the store, for `limit` at most: before the first turn of the
    // loop, so that nothing is decided without what is known. What comes later counts from then.
    void settle(base::Duration limit);
    // Lets go of the store once it has written what it was given, or `limit` is over.
    void finish(base::Duration limit);

    void remember(const store::Peak& peak);
    void forget(const store::NeedKey& key);
    // Tells once more what was read of a model, or of one of its variants: it was configured only
    // now.
    void recall(const std::string& model, const std::string& variant) const;

    // For others that keep something there; null: it could not be made, or is let go.
    store::Store* store() const { return store_.get(); }
    store::JobStore* jobs() const { return jobs_; }

    // Why what is learned now may be lost; none: it is kept.
    std::optional<http::Trouble> trouble() const;

  private:
    void read();
    void on_read(base::Result<std::vector<store::Peak>> peaks);
    void note(const base::Result<void>& result);

    const Options options_;
    const Recalled recalled_;
    io::Timer reread_;
    std::unique_ptr<store::Store> store_;  // null: it could not be made, or it is over
    store::JobStore* jobs_ = nullptr;      // in the same file
    std::map<store::NeedKey, std::vector<base::Bytes>> peaks_;  // as they were read
    std::optional<base::Error> failure_;
};

}  // namespace windlass::daemon
