// What a drill has found: what was expected, what happened and when, beside what the observer saw.
// Pure values; nothing here measures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace windlass::cli::drill {

// What one process has on the device, as the device's driver lists it.
struct Holding {
    int pid = 0;
    int part = 0;  // the process of the drill that it is or descends from; 0: it is a stranger
    base::Bytes bytes;
};

// The device at one moment, as the driver tells it and not the daemon.
struct Look {
    base::Duration at{};  // since the drill began, when it was asked for
    base::Bytes used;
    base::Bytes free;
    // What the drill itself has: `used` without strangers and what was there before.
    base::Bytes ours;
    std::vector<Holding> holdings = {};
};

// Those of `part` that hold at least `least`.
std::vector<Holding> copies_of(const Look& look, const std::vector<int>& parts, base::Bytes least);

// One line of the table. `after` is how long it took; none where that says nothing.
struct Check {
    std::string what;
    std::string expected;
    std::string happened;
    bool is_met = false;
    std::optional<base::Duration> after = {};
};

// What a client was told in its answer.
struct Told {
    int pid = 0;
    std::uint64_t copy = 0;
    double run_ms = 0;
    std::string failure = {};  // instead of an answer
};

// A stretch of the series, for its high-water mark.
struct Phase {
    std::string name;
    base::Duration begin{};
    base::Duration end{};
};

struct Report {
    std::string drill;
    std::string promise;  // what it takes, where, and for how long at most
    std::vector<Check> checks = {};
    std::vector<Told> told = {};
    std::vector<Phase> phases = {};
    std::vector<Look> looks = {};
    base::Duration took{};
};

// The most that the drill had during the phase; none where nobody looked.
std::optional<base::Bytes> high_water(const std::vector<Look>& looks, const Phase& phase);

bool is_passed(const Report& report);

// "drill duplicates: fell short: copies with Windlass: expected 1, happened 3; ..."; or that all
// was as expected.
std::string verdict_text(const Report& report);

// Table, answers and series for people.
std::string to_text(const Report& report);
// A line for each drill, and what fell short.
std::string summary_text(const std::vector<Report>& reports);

}  // namespace windlass::cli::drill
