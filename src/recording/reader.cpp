// Takes records apart.
#include "recording/reader.h"

#include <fmt/core.h>

#include <limits>
#include <utility>

#include "base/version.h"
#include "recording/text.h"

namespace windlass::recording {
namespace {

using base::Errc;
using base::Result;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t byte = 0; byte < 4; ++byte) {
        number |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + byte]))
                  << (8 * byte);
    }
    return number;
}

base::Error corrupt(std::string_view what) {
    return base::fail(Errc::data_corrupt,
                      fmt::format("the recording does not hold together: {}", what));
}

std::optional<core::Commands> read_commands(std::string_view body) {
    core::Commands commands;
    Source source{body};
    while (!source.is_empty()) {
        std::optional<core::Command> command = source.command();
        if (!command) return std::nullopt;
        commands.push_back(std::move(*command));
    }
    return commands;
}

}  // namespace

Result<Reader> Reader::open(std::string_view bytes) {
    if (!bytes.starts_with(kMagic)) {
        return base::fail(Errc::invalid_input,
                          "this is no recording: `windlass serve --record FILE` makes one");
    }
    Reader reader{bytes.substr(kMagic.size())};
    WL_TRY(reader.read_head());
    return reader;
}

Result<void> Reader::read_head() {
    const std::optional<Record> record = peek();
    if (!record || record->kind != RecordKind::head) {
        return corrupt("its head is missing; the daemon was killed before it could write it");
    }
    skip(*record);
    Source source{record->body};
    const auto version = source.text();
    const auto commit = source.text();
    const auto schema = source.number();
    if (!version || !commit || !schema) return corrupt("its head cannot be read");
    if (*schema != schema_hash()) {
        return base::fail(
            Errc::unsupported,
            fmt::format("it was recorded by Windlass {} ({}), whose events have other fields than "
                        "those of this program, {} ({}); replay it with a build of that version",
                        *version, *commit, base::version(), base::commit()));
    }
    const auto begun = source.number();
    auto origin = source.origin();
    if (!begun || !origin || !source.is_empty()) return corrupt("its head cannot be read");
    head_ = {.version = printable(*version),
             .commit = printable(*commit),
             .begun_unix_s = static_cast<std::int64_t>(*begun),
             .origin = std::move(*origin)};
    return {};
}

std::optional<Reader::Record> Reader::peek() const {
    if (rest_.size() <= kRecordHeadSize) return std::nullopt;
    const std::size_t size = number_at(rest_, 0);
    if (size == 0 || size > kRecordMax || size > rest_.size() - kRecordHeadSize)
        return std::nullopt;
    const std::string_view body = rest_.substr(kRecordHeadSize, size);
    if (static_cast<std::uint32_t>(hash_of(body)) != number_at(rest_, 4)) return std::nullopt;
    return Record{.kind = static_cast<RecordKind>(body.front()),
                  .body = body.substr(1),
                  .size = kRecordHeadSize + size};
}

Result<std::optional<Step>> Reader::next() {
    const std::optional<Record> heard = peek();
    if (!heard) return std::nullopt;
    skip(*heard);
    Source source{heard->body};
    if (heard->kind == RecordKind::end) {
        const auto why = source.number();
        if (!why || *why < 1 || *why > 2 || !source.is_empty() || !rest_.empty()) {
            return give_up("its end");
        }
        end_ = static_cast<RecordingEnd>(*why);
        return std::nullopt;
    }
    const auto after = source.number();
    auto event = source.event();
    const auto left = static_cast<std::uint64_t>((core::Instant::max() - now_).count());
    const bool is_event = heard->kind == RecordKind::event;
    if (!is_event || !after || !event || !source.is_empty() || *after > left) {
        return give_up("an event");
    }
    ++event_count_;
    now_ += core::Duration{static_cast<std::int64_t>(*after)};
    Step step{.now = now_, .event = std::move(*event), .commands = {}};
    if (const std::optional<Record> said = peek()) {
        step.commands.emplace();
        if (said->kind == RecordKind::commands) {
            step.commands = read_commands(said->body);
            if (!step.commands) return give_up("the commands of an event");
            skip(*said);
        }
    }
    return step;
}

Result<std::optional<Step>> Reader::give_up(std::string_view what) {
    rest_ = {};
    return corrupt(
        fmt::format("{} cannot be read, after {} events; it was changed, or written by "
                    "a program with a bug",
                    what, event_count_));
}

}  // namespace windlass::recording
