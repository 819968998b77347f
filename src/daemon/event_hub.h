// Events from the log to the store, to those who list them and to those who follow. Nothing waits
// for a disk: who follows hears of an event when it is kept, or as soon as it is known that it
// cannot be. Thread: main.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/event_record.h"
#include "daemon/event_followers.h"
#include "daemon/log_tap.h"
#include "http/api.h"
#include "io/bell.h"
#include "store/store.h"

namespace windlass::daemon {

class EventHub {
  public:
    struct Retention {
        base::Duration age = {};
        std::uint64_t count = 0;
    };

    // `store` outlives the hub until finish(); null: nothing can be kept.
    EventHub(io::Loop& loop, store::Store* store, std::shared_ptr<LogTap> tap, Retention retention,
             EventFollowers::Options options = {});

    // After a reload.
    void keep(Retention retention) { retention_ = retention; }

    void list(base::EventQuery query, http::EventsReply reply);
    void follow(base::EventQuery query, http::ReplyStream stream);

    // The daemon stops, and nothing more will happen: who follows is let go once all is told. To be
    // called until is_quiet().
    void let_followers_go();
    bool is_quiet() const { return followers_.count() == 0; }

    // Writes what is left, for `limit` at most; no loop turns any more. The store is not touched
    // again.
    void finish(base::Duration limit);

    // Why events are not kept; none: they are.
    std::optional<http::Trouble> trouble() const;

  private:
    void collect();
    void write();
    void on_kept(const std::vector<base::EventRecord>& batch,
                 const base::Result<std::vector<base::EventRecord>>& kept);
    void lose(const std::vector<base::EventRecord>& batch, base::Error why);

    io::Loop& loop_;
    store::Store* store_;
    const std::shared_ptr<LogTap> tap_;
    Retention retention_;
    EventFollowers followers_;
    std::unique_ptr<io::Bell> bell_;  // none: lines of other threads wait for one of ours
    std::deque<base::EventRecord> waiting_;
    bool is_writing_ = false;  // one batch at a time: the next grows meanwhile
    std::uint64_t lost_ = 0;   // and not told yet
    std::optional<base::Error> failure_;
};

}  // namespace windlass::daemon
