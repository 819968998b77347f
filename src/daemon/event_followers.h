// Those who follow events as they come: first what they missed, out of the store, then all that
// comes, each once and in order. Who reads too slowly is let go. Thread: main.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/event_record.h"
#include "http/reply_stream.h"
#include "io/timer.h"
#include "store/store.h"

namespace windlass::daemon {

class EventFollowers {
  public:
    // What a follower of things as they come may leave unread; then he is too slow.
    static constexpr std::size_t kUnreadMax = std::size_t{256} * 1024;

    struct Options {
        base::Duration alive_period = std::chrono::seconds{15};  // between signs of life
    };
    // Pages of what is kept: as Store::read_events(), and never before read() returned.
    using Read = std::function<void(base::EventQuery, store::EventsRead)>;

    EventFollowers(io::Loop& loop, Read read, Options options);

    void add(base::EventQuery query, http::ReplyStream stream);
    // What was just kept, with numbers above all before; or without any, because it could not be.
    void deliver(const std::vector<base::EventRecord>& events);
    // `reason` and `message` are told to each as the last thing.
    void end_all(std::string_view reason, std::string_view message);

    std::size_t count() const { return followers_.size(); }

  private:
    struct Follower {
        base::EventQuery query;
        http::ReplyStream stream;
        std::optional<std::uint64_t> position = {};  // all up to that is told
        bool is_live = false;                        // all that was kept is told
        bool is_reading = false;
        std::deque<base::EventRecord> page = {};  // that was read and is not told
        std::uint64_t page_end = 0;               // the position behind it
        bool has_more = false;                    // there is more behind it
        bool is_behind = false;                   // something did not fit into what it has not read
    };
    using Followers = std::map<std::uint64_t, Follower>;

    void read_on(std::uint64_t id);
    void on_page(std::uint64_t id, base::Result<base::EventPage> page);
    bool tell_gap(Follower& follower, const base::EventPage& page) const;
    void tell_page(std::uint64_t id);
    void tell_alive();
    void end_slow();
    static void end(Follower& follower, std::string_view reason, std::string_view message);

    const Read read_;
    const Options options_;
    io::Timer alive_;
    Followers followers_;
    std::uint64_t last_id_ = 0;
    std::uint64_t last_number_ = 0;  // that was delivered
};

}  // namespace windlass::daemon
