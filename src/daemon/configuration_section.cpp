// Reads one table of the configuration.
#include "daemon/configuration_section.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/assert.h"
#include "base/nearest_word.h"

namespace windlass::daemon {
namespace {

// The section that knows a key which stands in the wrong one.
std::optional<Section> home_of(std::string_view name) {
    for (const Key& key : key_table()) {
        if (key.name == name) return key.section;
    }
    return std::nullopt;
}

}  // namespace

void Problems::error(std::uint32_t line, std::string message) {
    list_.push_back(Problem{.file = file_, .line = line, .message = std::move(message)});
}

void Problems::notice(std::uint32_t line, std::string message) {
    list_.push_back(Problem{
        .file = file_, .line = line, .severity = Severity::notice, .message = std::move(message)});
}

bool Problems::has_error() const {
    return std::ranges::find(list_, Severity::error, &Problem::severity) != list_.end();
}

std::vector<Problem> Problems::take() {
    std::ranges::stable_sort(list_, {}, [](const Problem& problem) {
        return problem.line == 0 ? UINT32_MAX : problem.line;
    });
    return std::move(list_);
}

SectionReader::SectionReader(Section section, std::string title, const TomlValue& table,
                             Problems& problems)
    : section_(section), title_(std::move(title)), table_(table), problems_(problems) {}

template <class T, class Read>
bool SectionReader::read_with(std::string_view name, T& target, Read read_value) {
    const Key* key = find_key(section_, name);
    WL_ASSERT(key != nullptr);
    const TomlEntry* entry = table_.find(name);
    if (entry == nullptr) return false;
    auto result = read_value(*key, entry->value);
    valid_[std::string{name}] = result.has_value();
    if (result) {
        target = std::move(*result);
    } else {
        error(name, result.error().message);
    }
    return result.has_value();
}

bool SectionReader::read(std::string_view key, Duration& target) {
    return read_with(key, target, read_duration);
}

bool SectionReader::read(std::string_view key, std::optional<Duration>& target) {
    return read_with(key, target, read_duration_or_never);
}

bool SectionReader::read(std::string_view key, Bytes& target) {
    return read_with(key, target, read_bytes);
}

bool SectionReader::read(std::string_view key, std::uint32_t& target) {
    return read_with(key, target, read_count);
}

bool SectionReader::read(std::string_view key, bool& target) {
    return read_with(key, target, read_boolean);
}

bool SectionReader::read(std::string_view key, std::string& target) {
    return read_with(key, target, read_text);
}

bool SectionReader::read(std::string_view key, std::vector<std::string>& target) {
    return read_with(key, target, read_list);
}

bool SectionReader::read(std::string_view key, std::map<std::string, std::string>& target) {
    return read_with(key, target, read_environment);
}

bool SectionReader::read_checked(std::string_view key, std::string& target) {
    return read_with(key, target,
                     [](const Key& known, const TomlValue& value) -> base::Result<std::string> {
                         WL_TRY(check_value(known, value));
                         return value.text;
                     });
}

void SectionReader::error(std::string_view key, std::string_view message) {
    const TomlEntry* entry = table_.find(key);
    problems_.error(entry != nullptr ? entry->line : table_.line,
                    fmt::format("`{}` in {} {}", key, title_, message));
}

void SectionReader::notice(std::string_view key, std::string_view message) {
    const TomlEntry* entry = table_.find(key);
    problems_.notice(entry != nullptr ? entry->line : table_.line,
                     fmt::format("`{}` in {} {}", key, title_, message));
}

void SectionReader::finish() {
    for (const TomlEntry& entry : table_.entries) {
        const Key* key = find_key(section_, entry.key);
        if (key == nullptr) {
            report_unknown(entry);
            continue;
        }
        if (key->floor == Floor::present) continue;
        const auto was_read = valid_.find(entry.key);
        if (was_read != valid_.end() && !was_read->second) continue;
        const base::Result<void> checked = check_value(*key, entry.value);
        if (!checked) {
            error(entry.key, checked.error().message);
        } else if (!is_default(*key, entry.value)) {
            notice(entry.key, "has no effect yet: it arrives with a later version");
        }
    }
}

void SectionReader::report_unknown(const TomlEntry& entry) {
    std::string hint = "`windlass config keys` lists the known ones";
    const std::vector<std::string_view> known = key_names(section_);
    if (const std::optional<Section> home = home_of(entry.key)) {
        hint = fmt::format("it belongs in {}", section_title(*home));
    } else if (const auto nearest = base::nearest_word(entry.key, known)) {
        hint = fmt::format("did you mean `{}`?", *nearest);
    } else if (section_ == Section::model && entry.value.kind == TomlValue::Kind::table) {
        hint = "a model's name that holds a dot needs quotes, as in [models.\"my.model\"]";
    }
    problems_.error(entry.line,
                    fmt::format("unknown key `{}` in {}; {}", printable(entry.key), title_, hint));
}

}  // namespace windlass::daemon
