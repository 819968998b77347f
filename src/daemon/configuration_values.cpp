// Durations, amounts, numbers and texts of the configuration.
#include "daemon/configuration_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace windlass::daemon {
namespace {

base::Error wrong(std::string message) {
    return base::fail(base::Errc::invalid_input, std::move(message));
}

// "must be a duration such as "5m", not the whole number 300".
base::Error wrong_kind(const Key& key, const TomlValue& value) {
    const bool plain = value.kind == TomlValue::Kind::list || value.kind == TomlValue::Kind::table;
    if (plain || value.kind == TomlValue::Kind::text)
        return wrong(fmt::format("must be {}, not {}", wanted(key), shown(value)));
    const std::string_view kind = kind_name(value.kind);
    return wrong(fmt::format("must be {}, not the {} {}", wanted(key),
                             kind.substr(kind.find(' ') + 1), shown(value)));
}

base::Error out_of_range(const Key& key, const TomlValue& value) {
    return wrong(fmt::format("must be between {} and {}, not {}", key.low, key.high, shown(value)));
}

// A number where a duration belongs: what it may have meant.
base::Error bare_number(const Key& key, const TomlValue& value) {
    if (value.integer != 0) {
        base::Error error = wrong_kind(key, value);
        error.message += fmt::format("; seconds are written \"{}s\"", value.integer);
        return error;
    }
    const bool never = key.kind == KeyKind::duration_or_never;
    return wrong(
        never ? "is a bare 0: write \"0s\" to act at once, or \"never\" to switch it off"
              : "is a bare 0: write \"0s\" for no time at all; \"never\" is not possible here");
}

std::int64_t to_integer(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// "1%" to "100%".
bool is_share(std::string_view text) {
    if (!text.ends_with('%')) return false;
    text.remove_suffix(1);
    unsigned percent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
    return error == std::errc{} && end == text.data() + text.size() && percent >= 1 &&
           percent <= 100;
}

bool is_environment_name(std::string_view name) {
    return !name.empty() && name.find('=') == name.npos && name.find('\0') == name.npos;
}

// What the daemon itself puts into a worker's environment; setting it here would have no effect.
bool is_reserved(std::string_view name) {
    static constexpr std::string_view kReserved[] = {
        "WINDLASS_CHANNEL",     "WINDLASS_WORKER",      "TMPDIR",
        "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "WINDLASS_VARIANT"};
    return std::ranges::find(kReserved, name) != std::end(kReserved);
}

base::Result<void> check_word_or_list(const Key& key, const TomlValue& value,
                                      std::span<const std::string_view> words) {
    if (value.kind == TomlValue::Kind::list) {
        WL_TRY(read_list(key, value));
        return {};
    }
    const bool known =
        value.kind == TomlValue::Kind::text && std::ranges::find(words, value.text) != words.end();
    if (!known) return wrong_kind(key, value);
    return {};
}

base::Result<void> check_need(const Key& key, const TomlValue& value) {
    const bool known =
        value.kind == TomlValue::Kind::text &&
        (value.text == "all" || is_share(value.text) || base::parse_bytes(value.text).has_value());
    if (!known) return wrong_kind(key, value);
    return {};
}

template <class T>
base::Result<void> forget(const base::Result<T>& result) {
    if (!result) return base::Error{result.error()};
    return {};
}

}  // namespace

base::Result<Duration> read_duration(const Key& key, const TomlValue& value) {
    if (value.kind == TomlValue::Kind::integer) return bare_number(key, value);
    if (value.kind != TomlValue::Kind::text) return wrong_kind(key, value);
    if (value.text == "0") return bare_number(key, value);
    const std::optional<Duration> duration = base::parse_duration(value.text);
    if (!duration) return wrong_kind(key, value);
    if (*duration < base::parse_duration(key.low) || *duration > base::parse_duration(key.high))
        return out_of_range(key, value);
    return *duration;
}

base::Result<std::optional<Duration>> read_duration_or_never(const Key& key,
                                                             const TomlValue& value) {
    if (value.kind == TomlValue::Kind::text && value.text == "never")
        return std::optional<Duration>{};
    return std::optional{WL_TRY(read_duration(key, value))};
}

base::Result<Bytes> read_bytes(const Key& key, const TomlValue& value) {
    if (value.kind != TomlValue::Kind::text) return wrong_kind(key, value);
    const std::optional<Bytes> bytes = base::parse_bytes(value.text);
    if (!bytes) return wrong_kind(key, value);
    if (*bytes < base::parse_bytes(key.low) || *bytes > base::parse_bytes(key.high))
        return out_of_range(key, value);
    return *bytes;
}

base::Result<std::uint32_t> read_count(const Key& key, const TomlValue& value) {
    if (value.kind != TomlValue::Kind::integer) return wrong_kind(key, value);
    if (value.integer < to_integer(key.low) || value.integer > to_integer(key.high))
        return out_of_range(key, value);
    return static_cast<std::uint32_t>(value.integer);
}

base::Result<bool> read_boolean(const Key& key, const TomlValue& value) {
    if (value.kind != TomlValue::Kind::boolean) return wrong_kind(key, value);
    return value.boolean;
}

base::Result<std::string> read_text(const Key& key, const TomlValue& value) {
    if (value.kind != TomlValue::Kind::text) return wrong_kind(key, value);
    if (value.text.empty()) return wrong(fmt::format("is empty; it must be {}", wanted(key)));
    if (value.text.find('\0') != value.text.npos) return wrong("may not hold a zero byte");
    const std::size_t gap = key.high.find(' ');
    const bool chosen = key.kind != KeyKind::choice || value.text == key.high.substr(0, gap) ||
                        value.text == key.high.substr(gap + 1);
    if (!chosen) return wrong_kind(key, value);
    return value.text;
}

base::Result<std::vector<std::string>> read_list(const Key& key, const TomlValue& value) {
    if (value.kind != TomlValue::Kind::list) return wrong_kind(key, value);
    std::vector<std::string> items;
    for (const TomlValue& item : value.items) {
        if (item.kind != TomlValue::Kind::text)
            return wrong(fmt::format("must be {}, but holds {}", wanted(key), shown(item)));
        if (item.text.find('\0') != item.text.npos) return wrong("may not hold a zero byte");
        items.push_back(item.text);
    }
    return items;
}

base::Result<std::map<std::string, std::string>> read_environment(const Key& key,
                                                                  const TomlValue& value) {
    if (value.kind != TomlValue::Kind::table) return wrong_kind(key, value);
    std::map<std::string, std::string> variables;
    for (const TomlEntry& entry : value.entries) {
        if (!is_environment_name(entry.key))
            return wrong(fmt::format("holds `{}`, which cannot name a variable", entry.key));
        if (is_reserved(entry.key))
            return wrong(fmt::format("sets `{}`, which Windlass sets itself", entry.key));
        const bool text = entry.value.kind == TomlValue::Kind::text;
        if (!text) {
            return wrong(fmt::format("must hold texts: write {} = \"{}\"", entry.key,
                                     entry.value.text.empty() ? "..." : entry.value.text));
        }
        if (entry.value.text.find('\0') != std::string::npos)
            return wrong("may not hold a zero byte");
        variables[entry.key] = entry.value.text;
    }
    return variables;
}

base::Result<void> check_value(const Key& key, const TomlValue& value) {
    switch (key.kind) {
        case KeyKind::duration: return forget(read_duration(key, value));
        case KeyKind::duration_or_never: return forget(read_duration_or_never(key, value));
        case KeyKind::bytes: return forget(read_bytes(key, value));
        case KeyKind::count: return forget(read_count(key, value));
        case KeyKind::boolean: return forget(read_boolean(key, value));
        case KeyKind::text:
        case KeyKind::choice:
        case KeyKind::listen:
        case KeyKind::python_class:
        case KeyKind::directory:
        case KeyKind::program: return forget(read_text(key, value));
        case KeyKind::host_list:
        case KeyKind::command: return forget(read_list(key, value));
        case KeyKind::environment: return forget(read_environment(key, value));
        case KeyKind::device_list: {
            static constexpr std::string_view kWords[] = {"auto", "cpu"};
            return check_word_or_list(key, value, kWords);
        }
        case KeyKind::devices: {
            static constexpr std::string_view kWords[] = {"any", "cpu"};
            return check_word_or_list(key, value, kWords);
        }
        case KeyKind::count_or_auto:
            if (value.kind == TomlValue::Kind::text && value.text == "auto") return {};
            return forget(read_count(key, value));
        case KeyKind::memory_need: return check_need(key, value);
        case KeyKind::variant_tables:
            if (value.kind != TomlValue::Kind::table) return wrong_kind(key, value);
            return {};
    }
    return {};
}

bool is_default(const Key& key, const TomlValue& value) {
    if (key.default_text.empty()) return false;
    const std::string_view quoted = key.default_text;
    if (value.kind == TomlValue::Kind::table) return quoted == "{}" && value.entries.empty();
    if (value.kind == TomlValue::Kind::list) return quoted == "[]" && value.items.empty();
    if (value.kind != TomlValue::Kind::text) return quoted == value.text;
    const std::string_view text = quoted.substr(1, quoted.size() - 2);
    if (value.text == text) return true;
    const std::optional<Duration> duration = base::parse_duration(value.text);
    if (duration) return duration == base::parse_duration(text);
    const std::optional<Bytes> bytes = base::parse_bytes(value.text);
    return bytes && bytes == base::parse_bytes(text);
}

}  // namespace windlass::daemon
