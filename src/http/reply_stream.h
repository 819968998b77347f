// A reply whose body is made while it is sent: the end of it that the producer holds. Pieces go out
// as they are written; who does not read holds up nobody else. Thread: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "http/exchange_record.h"

namespace windlass::http {

// What the producer wants to hear. They come from the loop, never from within a method of the
// stream, and none once the stream is over for its producer: ended, broken off or destroyed.
struct StreamHandlers {
    // backlog() was more than nothing and is nothing now.
    std::function<void()> on_room = {};
    // Nobody reads any more: the client went away, or took nothing for too long. At most once.
    std::function<void()> on_gone = {};
};

// Where the bytes go: a connection, or whatever a test puts in its place.
class StreamOutlet {
  public:
    StreamOutlet() = default;
    StreamOutlet(const StreamOutlet&) = delete;
    StreamOutlet& operator=(const StreamOutlet&) = delete;
    virtual ~StreamOutlet() = default;

    // As the methods of ReplyStream.
    virtual bool is_open() const = 0;
    virtual bool write(std::string_view bytes) = 0;
    virtual std::size_t backlog() const = 0;
    virtual void note(Trace trace) = 0;
    virtual void end() = 0;
    virtual void break_off(base::Errc why) = 0;

    StreamHandlers handlers;
    bool has_producer = true;  // else nobody hears of anything any more
};

// A stream that is destroyed before its end is broken off.
class ReplyStream {
  public:
    // What may wait for a reader who is slower than the producer; a single piece may be larger.
    static constexpr std::size_t kBacklogMax = std::size_t{1} << 20;

    ReplyStream() = default;  // of nobody: not open
    explicit ReplyStream(std::shared_ptr<StreamOutlet> outlet) : outlet_(std::move(outlet)) {}
    ~ReplyStream() { break_off(base::Errc::internal); }
    ReplyStream(ReplyStream&& other) noexcept : outlet_(std::move(other.outlet_)) {}
    ReplyStream& operator=(ReplyStream&& other) noexcept {
        std::swap(outlet_, other.outlet_);
        return *this;
    }
    ReplyStream(const ReplyStream&) = delete;
    ReplyStream& operator=(const ReplyStream&) = delete;

    void listen(StreamHandlers handlers) const {
        if (outlet_) outlet_->handlers = std::move(handlers);
    }

    // False: it has ended, was broken off, or nobody reads any more.
    bool is_open() const { return outlet_ && outlet_->is_open(); }

    // Sends what the client takes at once and keeps the rest. False: nothing of it was taken,
    // because the stream is not open, something is kept already and both together are more than
    // kBacklogMax, or because there is more of it than the promised length.
    bool write(std::string_view bytes) const { return is_open() && outlet_->write(bytes); }

    // Kept, and not yet taken by the client's connection. A producer who stops while this is not
    // 0, and goes on when told of room, has little in memory whoever reads.
    std::size_t backlog() const { return is_open() ? outlet_->backlog() : 0; }

    // Replaces what the reply said for its record, such as how long it ran.
    void note(Trace trace) const {
        if (is_open()) outlet_->note(std::move(trace));
    }

    // It is whole: what is kept goes out, then the end. Of a promised length that was not reached
    // it is as break_off().
    void end() {
        if (is_open()) outlet_->end();
        release();
    }

    // It will never be whole: what is kept goes out, then the connection is cut, so that the client
    // sees that the end is missing. `why` goes into the record.
    void break_off(base::Errc why) {
        if (is_open()) outlet_->break_off(why);
        release();
    }

  private:
    void release() {
        if (outlet_) outlet_->has_producer = false;
        outlet_.reset();
    }

    std::shared_ptr<StreamOutlet> outlet_;
};

}  // namespace windlass::http
