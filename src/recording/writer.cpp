// Records are built in place: their head is filled in when their end is known.
#include "recording/writer.h"

#include <variant>

namespace windlass::recording {
namespace {

void put_at(std::string& out, std::size_t at, std::uint32_t number) {
    for (std::size_t byte = 0; byte < 4; ++byte) {
        out[at + byte] = static_cast<char>(number >> (8 * byte));
    }
}

bool is_idle_time(const core::Engine& engine, const core::Event& event, core::Instant now) {
    if (!std::holds_alternative<core::TimePassed>(event)) return false;
    const auto due = engine.next_deadline();
    return !due || *due > now;
}

}  // namespace

Writer::Writer(const Head& head) : pending_(kMagic) {
    const std::size_t record = begin(RecordKind::head);
    append_text(pending_, head.version);
    append_text(pending_, head.commit);
    append_number(pending_, schema_hash());
    append_number(pending_, static_cast<std::uint64_t>(head.begun_unix_s));
    append(pending_, head.origin);
    finish(record);
}

void Writer::handle(core::Engine& engine, const core::Event& event, core::Instant now,
                    core::Commands& out) {
    if (is_idle_time(engine, event, now)) return engine.handle(event, now, out);
    const std::size_t heard = begin(RecordKind::event);
    append_number(pending_, static_cast<std::uint64_t>((now - last_).count()));
    append(pending_, event);
    finish(heard);
    last_ = now;
    const std::size_t first = out.size();
    engine.handle(event, now, out);
    if (out.size() == first) return;
    const std::size_t said = begin(RecordKind::commands);
    for (std::size_t index = first; index < out.size(); ++index) append(pending_, out[index]);
    finish(said);
}

void Writer::end(RecordingEnd why) {
    const std::size_t record = begin(RecordKind::end);
    append_number(pending_, static_cast<std::uint64_t>(why));
    finish(record);
}

std::size_t Writer::begin(RecordKind kind) {
    const std::size_t at = pending_.size();
    pending_.append(kRecordHeadSize, '\0');
    pending_.push_back(static_cast<char>(kind));
    return at;
}

void Writer::finish(std::size_t begin) {
    const std::string_view body = std::string_view{pending_}.substr(begin + kRecordHeadSize);
    const auto checksum = static_cast<std::uint32_t>(hash_of(body));
    put_at(pending_, begin, static_cast<std::uint32_t>(body.size()));
    put_at(pending_, begin + 4, checksum);
}

}  // namespace windlass::recording
