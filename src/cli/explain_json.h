// JSON of the explain API to plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::cli {

struct MemoryHolderState {
    std::string kind;  // "model", "lease", "returning", "fenced" or "foreign"
    std::string model;
    std::optional<std::uint64_t> worker;
    std::optional<std::uint64_t> pid;
    std::string doing;
    std::optional<std::uint64_t> bytes;
    std::optional<double> since_s;
    std::optional<double> makes_room_in_s;
    std::string until_step;
    std::optional<double> until_s;
};

struct AdviceState {
    std::string command;
    std::string what;
};

struct ExplanationState {
    std::string subject;
    std::string sentence;
    bool is_over = false;  // a job that waits for nothing any more
    std::string device;    // whose holders these are; empty: they are a model's processes
    std::vector<AdviceState> advice;
    std::vector<MemoryHolderState> holders;
};

base::Result<ExplanationState> parse_explanation(std::string_view text);
base::Result<std::vector<ExplanationState>> parse_explanations(std::string_view text);

}  // namespace windlass::cli
