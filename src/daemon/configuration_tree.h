// A TOML file as plain data with line numbers, so that toml++ stays in configuration_toml.cpp and
// the rules compile without it. Internal to the configuration.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/configuration.h"

namespace windlass::daemon {

struct TomlEntry;

struct TomlValue {
    enum class Kind : std::uint8_t { text, integer, real, boolean, date_time, list, table };

    Kind kind = Kind::table;
    std::uint32_t line = 0;
    std::string text;                // of text; of the scalars, as TOML writes them
    std::int64_t integer = 0;        // of an integer
    bool boolean = false;            // of a boolean
    std::vector<TomlValue> items;    // of a list
    std::vector<TomlEntry> entries;  // of a table, in the order of the file

    const TomlEntry* find(std::string_view key) const;
};

struct TomlEntry {
    std::string key;
    std::uint32_t line = 0;
    TomlValue value;
};

// The whole file as one table, or the one syntax error at which parsing stopped.
std::expected<TomlValue, Problem> parse_toml(std::string_view text, const std::string& file);

// "an integer", "text", "a list": for messages.
std::string_view kind_name(TomlValue::Kind kind);

// The value as it would stand in a message: "text" in quotes, scalars as they are, else "a list".
std::string shown(const TomlValue& value);

// Without control characters, which would draw on the terminal that shows a mistake, and cut after
// 80 bytes.
std::string printable(std::string_view text);

}  // namespace windlass::daemon
