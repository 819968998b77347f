// For tests: a recording of a model that is called, loaded, and answers.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "core/engine.h"
#include "recording/reader.h"
#include "recording/writer.h"

namespace windlass::recording::testing {

// What must be there.
template <class Value>
Value get(std::optional<Value> value) {
    if (!value) base::assertion_failed("the value is there", __FILE__, __LINE__);
    return std::move(*value);
}

inline Head small_head() {
    return {.version = "0.1.0",
            .commit = "abc",
            .begun_unix_s = 1'800'000'000,
            .origin = {.models = {{.name = "digits"}}, .devices = {}}};
}

inline std::vector<core::Event> small_story() {
    constexpr core::Generation kFirst{1};
    constexpr core::RequestId kCall{1};
    constexpr core::Duration kHour = std::chrono::hours{1};
    return {core::CallArrived{.request = kCall, .model = {1}, .timeout = kHour, .wait = kHour},
            core::WorkerHello{.generation = kFirst}, core::WorkerLoaded{kFirst},
            core::RunStarted{kFirst, kCall}, core::RunAnswered{kFirst, kCall}};
}

// Of these events, a second apart.
inline std::string record(const std::vector<core::Event>& events, bool is_ended = true) {
    const Head head = small_head();
    core::Engine engine{head.origin.models, head.origin.devices};
    Writer writer{head};
    core::Instant now{std::chrono::hours{1}};
    core::Commands commands;
    for (const core::Event& event : events) {
        writer.handle(engine, event, now += std::chrono::seconds{1}, commands);
    }
    if (is_ended) writer.end(RecordingEnd::stopped);
    return writer.pending();
}

// As it is in a file: with its size and checksum.
inline std::string framed(RecordKind kind, std::string_view body) {
    const std::string all = static_cast<char>(kind) + std::string{body};
    std::string record;
    const auto put = [&](std::uint64_t number) {
        for (int byte = 0; byte < 4; ++byte)
            record.push_back(static_cast<char>(number >> (8 * byte)));
    };
    put(all.size());
    put(hash_of(all));
    return record + all;
}

}  // namespace windlass::recording::testing
