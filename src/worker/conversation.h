// The protocol with one worker, sans I/O: its bytes in, events out; orders in, frames out. Knows
// what may be said when, so that a worker that answers wrongly is found out here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "wire/frame.h"
#include "wire/frame_meta.h"
#include "worker/event.h"

namespace windlass::worker {

class Conversation {
  public:
    using Deliver = std::function<void(Event)>;

    // `deliver` is called from receive(), for each event in the order of the frames; it may call
    // every other method.
    Conversation(std::uint64_t generation, std::string model, Deliver deliver)
        : generation_(generation), model_(std::move(model)), deliver_(std::move(deliver)) {}

    // data_corrupt when the worker broke the protocol; it must not be listened to any more then.
    base::Result<void> receive(std::span<const char> bytes);

    // What the orders look like on the channel. load() also sets the limits that hold from now on;
    // run() leaves out the body, which follows, and `request` must not be running already.
    std::string load(const wire::LoadOrder& order);
    std::string run(std::uint64_t request, const wire::RunOrder& order, std::size_t body_size);
    // One of these two at a time, after `loaded`: the next when the last was answered.
    std::string offload();
    std::string restore();
    static std::string recall(std::uint64_t request);
    static std::string cancel(std::uint64_t request);
    static std::string stop();

    // False when an end of the channel here would cut a frame.
    bool is_between_frames() const { return reader_.is_between_frames(); }
    std::uint64_t heartbeat_count() const { return heartbeat_count_; }

  private:
    struct Run {
        bool has_started = false;
        bool is_attempt = false;  // at a job; its settings can still be told
    };
    using Runs = std::map<std::uint64_t, Run>;

    base::Result<void> handle(wire::Frame frame);
    base::Result<void> on_hello(const wire::Frame& frame);
    base::Result<void> on_loaded(const wire::Frame& frame);
    base::Result<void> on_started(const wire::Frame& frame);
    base::Result<void> on_settings(wire::Frame frame);
    base::Result<void> on_result(wire::Frame frame);
    base::Result<void> on_error(const wire::Frame& frame);
    base::Result<void> on_moved(const wire::Frame& frame);
    base::Result<void> on_move_failed(base::Error error);
    base::Result<void> on_progress(const wire::Frame& frame);
    base::Result<void> on_recalled(const wire::Frame& frame);
    base::Result<void> on_log(const wire::Frame& frame);
    base::Result<Runs::iterator> find_run(const wire::Frame& frame);

    std::uint64_t generation_;
    std::string model_;
    Deliver deliver_;
    wire::FrameReader reader_{wire::Side::worker};
    Runs runs_;  // handed over and not answered
    std::uint64_t heartbeat_count_ = 0;
    bool has_greeted_ = false;
    bool is_load_sent_ = false;
    bool has_loaded_ = false;
    std::optional<wire::FrameType> move_;  // `offload` or `restore`, ordered and not answered
    bool is_offloaded_ = false;            // as far as the worker has said
};

}  // namespace windlass::worker
