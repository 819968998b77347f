// Holds the one sink.
#include "base/log.h"

#include <utility>

namespace windlass::base::log {
namespace {

Sink& installed_sink() {
    static Sink sink;
    return sink;
}

}  // namespace

void set_sink(Sink sink) { installed_sink() = std::move(sink); }

void write(Level level, std::string_view event, std::span<const Field> fields) {
    if (const Sink& sink = installed_sink()) sink(level, event, fields);
}

}  // namespace windlass::base::log
