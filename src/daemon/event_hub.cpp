// One batch after the other goes to the store; what it refuses is counted and told.
#include "daemon/event_hub.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "io/wall_clock.h"

namespace windlass::daemon {

namespace log = base::log;

namespace {

// One transaction; and what may wait behind it, some megabytes, should a disk be slow.
constexpr std::size_t kBatchMax = 512;
constexpr std::size_t kWaitingMax = 16'384;

base::Error no_store() {
    base::Error error =
        base::fail(base::Errc::unavailable,
                   "events are not kept, because the file of the state folder cannot be used; see "
                   "store.failed in the log");
    error.reason = "store_failed";
    return error;
}

}  // namespace

EventHub::EventHub(io::Loop& loop, store::Store* store, std::shared_ptr<LogTap> tap,
                   Retention retention, EventFollowers::Options options)
    : loop_(loop),
      store_(store),
      tap_(std::move(tap)),
      retention_(retention),
      followers_(
          loop,
          [this](base::EventQuery query, store::EventsRead done) {
              list(std::move(query), std::move(done));
          },
          options) {
    if (auto made = io::Bell::make(loop, [this] { collect(); })) {
        bell_ = std::move(*made);
        tap_->use(bell_->rope());
        bell_->rope().pull();  // for what is there already
    }
}

void EventHub::collect() {
    lost_ += tap_->take_lost();
    std::vector<base::EventRecord> events = tap_->take();
    const std::size_t room = kWaitingMax - std::min(kWaitingMax, waiting_.size());
    const auto end = events.begin() + static_cast<std::ptrdiff_t>(std::min(room, events.size()));
    waiting_.insert(waiting_.end(), std::make_move_iterator(events.begin()),
                    std::make_move_iterator(end));
    lost_ += static_cast<std::uint64_t>(events.end() - end);
    write();
}

void EventHub::write() {
    if (is_writing_ || waiting_.empty()) return;
    const auto size = static_cast<std::ptrdiff_t>(std::min(kBatchMax, waiting_.size()));
    std::vector<base::EventRecord> batch{std::make_move_iterator(waiting_.begin()),
                                         std::make_move_iterator(waiting_.begin() + size)};
    waiting_.erase(waiting_.begin(), waiting_.begin() + size);
    if (store_ == nullptr) return lose(batch, no_store());
    is_writing_ = true;
    const store::EventRetention retention{
        .count_max = retention_.count,
        .oldest_ms = io::wall_clock_ms() - retention_.age / std::chrono::milliseconds{1}};
    std::vector<base::EventRecord> copy = batch;
    store_->append_events(
        std::move(copy), retention,
        [this, batch = std::move(batch)](const auto& kept) { on_kept(batch, kept); });
}

void EventHub::on_kept(const std::vector<base::EventRecord>& batch,
                       const base::Result<std::vector<base::EventRecord>>& kept) {
    is_writing_ = false;
    if (!kept) {
        lose(batch, kept.error());
    } else {
        followers_.deliver(*kept);
        if (lost_ > 0) {
            log::warning("events.lost",
                         {{"events", std::exchange(lost_, 0)},
                          {"message", failure_ ? failure_->message : "too many came at once"}});
        }
        failure_.reset();
    }
    write();
}

void EventHub::lose(const std::vector<base::EventRecord>& batch, base::Error why) {
    lost_ += batch.size();
    followers_.deliver(batch);
    if (failure_ == why) return;
    failure_ = std::move(why);
    log::warning("events.not_kept",
                 {{"type", base::traits(failure_->code).name}, {"message", failure_->message}});
}

void EventHub::list(base::EventQuery query, http::EventsReply reply) {
    if (store_ != nullptr) return store_->read_events(std::move(query), std::move(reply));
    loop_.post([reply = std::move(reply)]() mutable { reply(no_store()); });
}

void EventHub::follow(base::EventQuery query, http::ReplyStream stream) {
    followers_.add(std::move(query), std::move(stream));
}

void EventHub::let_followers_go() {
    collect();
    if (is_writing_ || !waiting_.empty()) return;
    followers_.end_all("stopping", "the daemon stops; come again when there is one");
}

void EventHub::finish(base::Duration limit) {
    const base::Instant deadline = loop_.now() + limit;
    collect();
    while (is_writing_ && loop_.now() < deadline) store_->settle(deadline - loop_.now());
    followers_.end_all("stopping", "the daemon stops; come again when there is one");
    store_ = nullptr;
}

std::optional<http::Trouble> EventHub::trouble() const {
    if (!failure_) return std::nullopt;
    return http::Trouble{.reason = "store_failed", .device = {}, .message = failure_->message};
}

}  // namespace windlass::daemon
