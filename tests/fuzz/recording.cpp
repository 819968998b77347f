// Fuzz target: recordings, which users attach to reports. Bytes that are any file; or the bodies of
// records, so that the checksums of a file do not keep the search out of its values. What can be
// read must be told in words, and written as it was read.
#include <string>

#include "base/assert.h"
#include "fuzz/target.h"
#include "recording/reader.h"
#include "recording/testing/small_recording.h"
#include "recording/text.h"

namespace windlass {
namespace {

using recording::Source;
using recording::testing::framed;

// What was read is written, and read as the same. The bytes may differ: numbers may be padded.
template <class Value>
void check_value(const Value& value, std::optional<Value> (Source::*take)()) {
    std::string written;
    recording::append(written, value);
    Source source{written};
    const std::optional<Value> again = (source.*take)();
    WL_ASSERT(again.has_value() && source.is_empty());
    std::string twice;
    recording::append(twice, *again);
    WL_ASSERT(twice == written);
}

void check_step(const recording::Step& step, const recording::Names& names) {
    check_value(step.event, &Source::event);
    WL_ASSERT(!to_text(step.event, names).empty());
    if (!step.commands) return;
    for (const core::Command& command : *step.commands) {
        check_value(command, &Source::command);
        WL_ASSERT(!to_text(command, names).empty());
    }
}

void check_file(std::string_view bytes) {
    auto reader = recording::Reader::open(bytes);
    if (!reader) {
        WL_ASSERT(!reader.error().message.empty());
        return;
    }
    check_value(reader->head().origin, &Source::origin);
    recording::Names names{reader->head().origin};
    core::Instant last{};
    while (true) {
        auto next = reader->next();
        const std::optional<recording::Step> step = next ? std::move(*next) : std::nullopt;
        if (!step) break;
        WL_ASSERT(step->now >= last);
        last = step->now;
        names.note(step->event);
        check_step(*step, names);
    }
    WL_ASSERT(reader->torn() <= bytes.size());
}

// A file that is only a head, of this version, and goes on with these bytes.
std::string head_with(std::string_view rest) {
    std::string body;
    recording::append_text(body, "0.1.0");
    recording::append_text(body, "abc");
    recording::append_number(body, recording::schema_hash());
    return std::string{recording::kMagic} + framed(recording::RecordKind::head, body.append(rest));
}

}  // namespace
}  // namespace windlass

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace windlass;
    using recording::RecordKind;
    fuzz::Input input{data, size};
    const std::uint8_t seed = input.take_byte();
    if (seed == 0) {
        check_file(input.rest());
        return 0;
    }
    if (seed == 1) {
        check_file(head_with(input.rest()));
        return 0;
    }
    std::string file = recording::testing::record({}, false);
    for (const std::string_view piece : fuzz::cut(input.rest(), seed, 16)) {
        file += framed(RecordKind{static_cast<std::uint8_t>(piece.front())}, piece.substr(1));
    }
    check_file(file);
    return 0;
}
