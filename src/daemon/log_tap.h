// Takes a copy of each log line on its way: what becomes an event. Thread: any may note; one takes.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/event_record.h"
#include "base/log.h"
#include "io/bell.h"
#include "io/mailbox.h"

namespace windlass::daemon {

class LogTap {
  public:
    // So many wait to be taken; what is more is counted. A turn of the loop has some ten.
    static constexpr std::size_t kWaitingMax = 8'192;

    void note(base::log::Level level, std::string_view code,
              std::span<const base::log::Field> fields);

    // Is pulled for each from now on. Before other threads note anything.
    void use(const io::Bell::Rope& rope) { rope_ = rope; }

    std::vector<base::EventRecord> take() { return waiting_.take(); }
    // How many there was no room for since the last call.
    std::uint64_t take_lost() { return lost_.exchange(0); }

  private:
    io::Mailbox<base::EventRecord> waiting_{kWaitingMax};
    std::atomic<std::uint64_t> lost_ = 0;
    std::optional<io::Bell::Rope> rope_;
};

// Whether a line is an event of law 13: what models print and what helps only with Windlass itself
// is none.
bool is_event(base::log::Level level, std::string_view code);

// As it is kept: what can be asked for has fields of its own, all else is JSON. Long texts are cut.
base::EventRecord to_event(base::log::Level level, std::string_view code,
                           std::span<const base::log::Field> fields, std::int64_t now_ms);

}  // namespace windlass::daemon
