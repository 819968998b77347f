// What all checks of `windlass doctor` together came to, and how it is told.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/doctor_report.h"

namespace windlass::cli {

struct Diagnosis {
    std::vector<Finding> findings;  // the worst first, then in the order of the table
    std::vector<Fact> facts;
    std::vector<std::string> checks;  // that were made
    base::Duration took{};

    std::size_t count(Gravity gravity) const;
};

// Puts the findings in order; the same one told twice stays once.
void arrange(Diagnosis& diagnosis);

std::string diagnosis_text(const Diagnosis& diagnosis, bool is_coloured);
std::string diagnosis_json(const Diagnosis& diagnosis);

// The lines in which a check's process tells what it finds, and the last of them.
std::string finding_line(const Finding& finding);
std::string fact_line(const Fact& fact);
std::string done_line();

// Reads such a line into `diagnosis`. True of the last one. Others are ignored: code of models may
// print.
bool read_line(std::string_view line, Diagnosis& diagnosis);

}  // namespace windlass::cli
