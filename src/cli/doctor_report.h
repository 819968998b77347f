// What a check of `windlass doctor` has found so far. Hands on each finding at once, because the
// next look may hang.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/doctor_findings.h"

namespace windlass::cli {

struct Finding {
    FindingKind kind = FindingKind::check_failed;
    std::string evidence;  // what was seen, where

    friend bool operator==(const Finding&, const Finding&) = default;
};

// What is so, and no trouble: the name is stable, such as "gpu.GPU-1.fp8".
struct Fact {
    std::string name;
    std::string value;

    friend bool operator==(const Fact&, const Fact&) = default;
};

class Report {
  public:
    struct Sink {
        std::function<void(const Finding&)> on_finding;
        std::function<void(const Fact&)> on_fact;
    };
    Report() = default;
    explicit Report(Sink sink) : sink_(std::move(sink)) {}

    void add(FindingKind kind, std::string evidence);
    void tell(std::string name, std::string value);

    const std::vector<Finding>& findings() const { return findings_; }
    const std::vector<Fact>& facts() const { return facts_; }

  private:
    Sink sink_;
    std::vector<Finding> findings_;
    std::vector<Fact> facts_;
};

}  // namespace windlass::cli
