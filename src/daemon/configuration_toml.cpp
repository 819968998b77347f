// Text to TomlValue: the only file that includes toml++.
#include <fmt/core.h>

#include <algorithm>

#include "daemon/configuration_tree.h"

// NOLINTNEXTLINE(readability-identifier-naming): toml++'s own switch
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace windlass::daemon {
namespace {

constexpr std::size_t kShownMax = 80;  // bytes of a text in a message: a line of a terminal

std::uint32_t line_of(const toml::source_region& source) { return source.begin.line; }

std::string to_text(const toml::date& date) {
    return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::string to_text(const toml::time& time) {
    return fmt::format("{:02}:{:02}:{:02}", time.hour, time.minute, time.second);
}

// toml++ says "Error while parsing string: unescaped control characters ...".
std::string syntax_message(std::string_view description) {
    constexpr std::string_view kPrefix = "Error while parsing ";
    std::string message = "not valid TOML: " + std::string{description};
    if (description.starts_with(kPrefix))
        message = "not valid TOML in a " + std::string{description.substr(kPrefix.size())};
    if (description.find("control characters") != description.npos)
        message += "; is a closing quote missing?";
    return message;
}

TomlValue convert(const toml::node& node);

TomlValue convert_table(const toml::table& table) {
    TomlValue result;
    for (const auto& [key, node] : table) {
        result.entries.push_back({std::string{key.str()}, line_of(key.source()), convert(node)});
    }
    // toml++ sorts by key; people read by line.
    std::ranges::stable_sort(result.entries, {}, &TomlEntry::line);
    return result;
}

TomlValue convert(const toml::node& node) {
    using Kind = TomlValue::Kind;
    TomlValue result;
    if (const toml::table* table = node.as_table()) {
        result = convert_table(*table);
    } else if (const toml::array* list = node.as_array()) {
        result.kind = Kind::list;
        for (const toml::node& item : *list) result.items.push_back(convert(item));
    } else if (const auto* text = node.as_string()) {
        result.kind = Kind::text;
        result.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
        result.kind = Kind::integer;
        result.integer = integer->get();
        result.text = std::to_string(result.integer);
    } else if (const auto* boolean = node.as_boolean()) {
        result.kind = Kind::boolean;
        result.boolean = boolean->get();
        result.text = result.boolean ? "true" : "false";
    } else if (const auto* real = node.as_floating_point()) {
        result.kind = Kind::real;
        result.text = fmt::format("{}", real->get());
    } else if (const auto* date = node.as_date()) {
        result.kind = Kind::date_time;
        result.text = to_text(date->get());
    } else if (const auto* time = node.as_time()) {
        result.kind = Kind::date_time;
        result.text = to_text(time->get());
    } else if (const auto* moment = node.as_date_time()) {
        result.kind = Kind::date_time;
        result.text = to_text(moment->get().date) + " " + to_text(moment->get().time);
    }
    result.line = line_of(node.source());
    return result;
}

}  // namespace

const TomlEntry* TomlValue::find(std::string_view key) const {
    const auto found = std::ranges::find(entries, key, &TomlEntry::key);
    return found == entries.end() ? nullptr : &*found;
}

std::expected<TomlValue, Problem> parse_toml(std::string_view text, const std::string& file) {
    const toml::parse_result parsed = toml::parse(text, std::string_view{file});
    if (parsed) return convert_table(parsed.table());
    const toml::parse_error& error = parsed.error();
    return std::unexpected(Problem{
        .file = file,
        .line = error.source().begin.line,
        .column = error.source().begin.column,
        .message = syntax_message(error.description()),
    });
}

std::string_view kind_name(TomlValue::Kind kind) {
    switch (kind) {
        case TomlValue::Kind::text: return "text";
        case TomlValue::Kind::integer: return "a whole number";
        case TomlValue::Kind::real: return "a number";
        case TomlValue::Kind::boolean: return "a boolean";
        case TomlValue::Kind::date_time: return "a date or time";
        case TomlValue::Kind::list: return "a list";
        case TomlValue::Kind::table: return "a table";
    }
    return "nothing";
}

std::string printable(std::string_view text) {
    std::string result{text.substr(0, kShownMax)};
    for (char& byte : result) {
        if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) byte = '?';
    }
    return text.size() > kShownMax ? result + "..." : result;
}

std::string shown(const TomlValue& value) {
    switch (value.kind) {
        case TomlValue::Kind::list:
        case TomlValue::Kind::table: return std::string{kind_name(value.kind)};
        case TomlValue::Kind::text: return "\"" + printable(value.text) + "\"";
        case TomlValue::Kind::integer:
        case TomlValue::Kind::real:
        case TomlValue::Kind::boolean:
        case TomlValue::Kind::date_time: break;
    }
    return value.text;
}

}  // namespace windlass::daemon
