// A follower is behind, and reads pages, or live.
#include "daemon/event_followers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "http/event_text.h"

namespace windlass::daemon {
namespace {

// So many are read at once; with the longest texts they are some megabytes.
constexpr std::size_t kPage = 64;
// Of a page no more is written while so much is unread.
constexpr std::size_t kUnreadUsual = std::size_t{64} * 1024;

}  // namespace

EventFollowers::EventFollowers(io::Loop& loop, Read read, Options options)
    : read_(std::move(read)), options_(options), alive_(loop, [this] { tell_alive(); }) {}

void EventFollowers::add(base::EventQuery query, http::ReplyStream stream) {
    const std::uint64_t id = ++last_id_;
    if (followers_.empty()) alive_.start(options_.alive_period);
    stream.listen({.on_room = [this, id] { tell_page(id); },
                   .on_gone = [this, id] { followers_.erase(id); }});
    stream.write(http::kStreamBegin);
    Follower& follower =
        followers_.emplace(id, Follower{.query = std::move(query), .stream = std::move(stream)})
            .first->second;
    follower.position = follower.query.after;
    follower.query.limit = kPage;
    follower.is_live = !follower.position && !follower.query.filter.since_ms;
    if (!follower.is_live) read_on(id);
}

void EventFollowers::read_on(std::uint64_t id) {
    Follower& follower = followers_.at(id);
    follower.is_reading = true;
    follower.query.after = follower.position;
    read_(follower.query,
          [this, id](base::Result<base::EventPage> page) { on_page(id, std::move(page)); });
}

void EventFollowers::on_page(std::uint64_t id, base::Result<base::EventPage> page) {
    const auto found = followers_.find(id);
    if (found == followers_.end()) return;
    Follower& follower = found->second;
    follower.is_reading = false;
    if (!page) {
        end(follower, "store_failed", page.error().message);
        followers_.erase(found);
        return;
    }
    // It knows numbers that nobody has given: another store's. All that is here is new to it.
    if (tell_gap(follower, *page)) return read_on(id);
    follower.page.assign(page->events.begin(), page->events.end());
    follower.has_more = page->next.has_value();
    follower.page_end = page->next.value_or(std::max(page->last, follower.position.value_or(0)));
    tell_page(id);
}

// True: it begins anew.
bool EventFollowers::tell_gap(Follower& follower, const base::EventPage& page) const {
    if (!follower.position) return false;
    const std::uint64_t next = page.first == 0 ? page.last + 1 : page.first;
    const std::uint64_t after = *follower.position;
    if (after > page.last) {
        follower.stream.write(
            http::stream_text({.after = after, .next = next, .reason = "renumbered"}));
        follower.position = next - 1;
        return true;
    }
    if (next > after + 1) {
        follower.stream.write(
            http::stream_text({.after = after, .next = next, .reason = "deleted"}));
    }
    return false;
}

// As much as it takes; the rest when there is room again.
void EventFollowers::tell_page(std::uint64_t id) {
    const auto found = followers_.find(id);
    if (found == followers_.end()) return;
    Follower& follower = found->second;
    if (follower.is_live || follower.is_reading) return;
    while (!follower.page.empty() && follower.stream.backlog() < kUnreadUsual) {
        if (!follower.stream.write(http::stream_text(follower.page.front()))) {
            follower.is_behind = true;  // ended with the next event
            return;
        }
        follower.page.pop_front();
    }
    if (!follower.page.empty()) return;
    follower.position = follower.page_end;
    // More may have come while it read.
    if (follower.has_more || last_number_ > follower.page_end) return read_on(id);
    follower.is_live = true;
    follower.page.shrink_to_fit();
}

void EventFollowers::deliver(const std::vector<base::EventRecord>& events) {
    if (followers_.empty()) {
        for (const base::EventRecord& event : events) last_number_ = event.number;
        return;
    }
    for (const base::EventRecord& event : events) {
        if (event.number != 0) last_number_ = event.number;
        std::string text;  // made once for all, if anybody wants it
        for (auto& [id, follower] : followers_) {
            if (!follower.is_live || !follower.query.filter.admits(event)) continue;
            if (follower.is_behind) continue;
            if (text.empty()) text = http::stream_text(event);
            // After one that was not taken none may come, or its number would hide the hole.
            follower.is_behind = follower.is_behind || !follower.stream.write(text);
        }
    }
    end_slow();
}

void EventFollowers::end_slow() {
    for (auto entry = followers_.begin(); entry != followers_.end();) {
        Follower& follower = entry->second;
        const bool is_slow =
            follower.is_behind || (follower.is_live && follower.stream.backlog() > kUnreadMax);
        if (is_slow) {
            end(follower, "slow",
                "events came faster than they were read; come again with the number of the last "
                "one (after=, Last-Event-ID), or ask for fewer");
        }
        entry = is_slow ? followers_.erase(entry) : std::next(entry);
    }
}

void EventFollowers::end_all(std::string_view reason, std::string_view message) {
    for (auto& [id, follower] : followers_) end(follower, reason, message);
    followers_.clear();
    alive_.stop();
}

void EventFollowers::end(Follower& follower, std::string_view reason, std::string_view message) {
    follower.stream.write(http::stream_end_text(reason, message));
    follower.stream.end();
}

void EventFollowers::tell_alive() {
    if (followers_.empty()) return;
    for (auto& [id, follower] : followers_) {
        if (follower.stream.backlog() == 0) follower.stream.write(http::kStreamAlive);
    }
    alive_.start(options_.alive_period);
}

}  // namespace windlass::daemon
