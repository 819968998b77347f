// The log interface: a stable dotted event name, then typed fields. Where lines go is decided once,
// by whoever installs a sink; libraries below `daemon` return errors and do not log.
// Thread: any thread may call; the sink serialises.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/time.h"

namespace windlass::base::log {

enum class Level : std::uint8_t { debug, info, warning, error };

struct Field {
    std::string_view key;
    std::variant<std::string, std::int64_t, double, bool> value;

    Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
    Field(std::string_view k, std::string_view v) : key(k), value(std::string{v}) {}
    Field(std::string_view k, const char* v) : key(k), value(std::string{v}) {}
    Field(std::string_view k, bool v) : key(k), value(v) {}
    template <std::integral Number>
    Field(std::string_view k, Number v) : key(k), value(static_cast<std::int64_t>(v)) {}
    Field(std::string_view k, double v) : key(k), value(v) {}
    Field(std::string_view k, Bytes v) : key(k), value(static_cast<std::int64_t>(v.count())) {}
    Field(std::string_view k, Duration v) : key(k), value(to_text(v)) {}
};

using Sink = std::function<void(Level, std::string_view event, std::span<const Field>)>;

// Replaces the sink; an empty one drops every line. Call before threads start.
void set_sink(Sink sink);

void write(Level level, std::string_view event, std::span<const Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::info, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::error, event, fields);
}

}  // namespace windlass::base::log
