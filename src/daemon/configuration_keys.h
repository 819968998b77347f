// The one table of configuration keys: what is known, of which kind, with which default and limits.
// Reading, messages and docs/configuration.md follow from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace windlass::daemon {

enum class Section : std::uint8_t { daemon, devices, model, variant };

enum class KeyKind : std::uint8_t {
    duration,           // "30s"
    duration_or_never,  // "30s", or "never"
    bytes,              // "512MiB"
    count,              // a whole number
    boolean,
    text,
    choice,          // one of the two words in `high`
    listen,          // address:port
    host_list,       // names without port
    device_list,     // "auto" or UUIDs
    python_class,    // module:Class
    command,         // program and arguments
    directory,       // an existing one
    program,         // a name for PATH, or a path
    environment,     // NAME = "value"
    devices,         // "any", "cpu" or UUIDs
    count_or_auto,   // a whole number, or "auto"
    memory_need,     // "2.5GiB", "40%" or "all"
    variant_tables,  // [models.NAME.variants.V]
};

enum class Floor : std::uint8_t {
    present,
    later,  // accepted and checked, but without effect yet
};

struct Key {
    Section section = Section::daemon;
    std::string_view name;
    KeyKind kind = KeyKind::text;
    std::string_view default_text;  // as TOML; empty: none
    std::string_view example;       // as TOML, where there is no default to show
    std::string_view low;           // of durations, bytes and counts, inclusive
    std::string_view high;          // likewise; of a choice: its two words
    Floor floor = Floor::present;
    std::string_view meaning;  // Markdown, one line
};

// In the order in which they are documented.
std::span<const Key> key_table();
const Key* find_key(Section section, std::string_view name);
std::vector<std::string_view> key_names(Section section);

// "[models.NAME]".
std::string_view section_title(Section section);

// "a duration such as "5m"": what a key wants, with an example.
std::string wanted(const Key& key);

// docs/configuration.md, all of it.
std::string configuration_markdown();

}  // namespace windlass::daemon
